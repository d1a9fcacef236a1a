//go:build (linux || darwin || freebsd || netbsd || openbsd || dragonfly) && !valetportable

package fakesock

import (
	"net"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/valet-go/valet/internal/sysio"
	"github.com/valet-go/valet/loop"
)

// checkFlags looks at what the system knows of a descriptor.
func checkFlags(t *testing.T, c any) {
	t.Helper()
	if err := rawOf(c).Control(func(fd uintptr) {
		if flags, err := unix.FcntlInt(fd, unix.F_GETFD, 0); err != nil || flags&unix.FD_CLOEXEC == 0 {
			t.Errorf("%T: a child process would inherit the descriptor (%#x, %v)", c, flags, err)
		}
		if flags, err := unix.FcntlInt(fd, unix.F_GETFL, 0); err != nil || flags&unix.O_NONBLOCK == 0 {
			t.Errorf("%T: the descriptor blocks (%#x, %v)", c, flags, err)
		}
	}); err != nil {
		t.Error(err)
	}
}

func TestDescriptorsAreNonBlockingAndNotInherited(t *testing.T) {
	for _, network := range networks {
		l := startLoop(t)
		ln := listenFake(t, l, network)
		a := asyncAccept(t, ln)
		c, err := (&Dialer{Loop: l}).Dial(network, ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		checkFlags(t, ln)
		checkFlags(t, c)
		checkFlags(t, await(t, a).c)
	}
}

func TestAcceptedConnsHaveTheOptionsOfNet(t *testing.T) {
	l := startLoop(t)
	ln := listenFake(t, l, "tcp4")
	a := asyncAccept(t, ln)
	c, err := net.Dial("tcp4", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fake := await(t, a).c
	_, native := nativePair(t, "tcp4")
	for name, opt := range map[string][2]int{
		"TCP_NODELAY":   {unix.IPPROTO_TCP, unix.TCP_NODELAY},
		"SO_KEEPALIVE":  {unix.SOL_SOCKET, unix.SO_KEEPALIVE},
		"TCP_KEEPIDLE":  {unix.IPPROTO_TCP, sysio.TCPKeepIdle},
		"TCP_KEEPINTVL": {unix.IPPROTO_TCP, sysio.TCPKeepInterval},
		"TCP_KEEPCNT":   {unix.IPPROTO_TCP, sysio.TCPKeepCount},
	} {
		get := func(c any) (v int) {
			rawOf(c).Control(func(fd uintptr) { v, _ = unix.GetsockoptInt(int(fd), opt[0], opt[1]) })
			return v
		}
		if got, want := get(fake), get(native); got != want {
			t.Errorf("%s is %d, with package net %d", name, got, want)
		}
	}
}

func TestClosingTheLoopEndsAccept(t *testing.T) {
	l := startLoop(t)
	ln := listenFake(t, l, "tcp4")
	a := asyncAccept(t, ln)
	awaitParked(t, &ln.s.r)
	l.Close()
	opErr(t, await(t, a).err, "accept", loop.ErrClosed)
	opErr(t, await(t, asyncAccept(t, ln)).err, "accept", loop.ErrClosed)
}
