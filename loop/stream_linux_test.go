//go:build !valetportable

package loop

import (
	"net"
	"os"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// withFD runs f on a peer's descriptor.
func withFD(t testing.TB, c net.Conn, f func(fd int) error) {
	t.Helper()
	raw, err := c.(syscall.Conn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	if e := raw.Control(func(fd uintptr) { err = f(int(fd)) }); e != nil || err != nil {
		t.Fatal(e, err)
	}
}

// Urgent data ends a read early without the socket being drained.
func TestUrgentDataDoesNotHideWhatFollows(t *testing.T) {
	l := start(t)
	s, peer := streamPair(t, l, "tcp4")
	for range 100 {
		n := beginBytes(t, s, 6)
		withFD(t, peer, func(fd int) error {
			_, err := unix.SendmsgN(fd, []byte("abcX"), nil, nil, unix.MSG_OOB)
			return err
		})
		sendTo(t, peer, "def")
		wantGot(t, n, "abcdef", nil)
	}
}

// The end of a message with a descriptor ends a read early on a unix socket.
func TestAMessageBoundaryDoesNotHideWhatFollows(t *testing.T) {
	l := start(t)
	s, peer := streamPair(t, l, "unix")
	f, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rights := unix.UnixRights(int(f.Fd()))
	for range 100 {
		on(t, l, s.Pause)
		n := beginBytes(t, s, 6)
		withFD(t, peer, func(fd int) error {
			_, err := unix.SendmsgN(fd, []byte("abc"), rights, nil, 0)
			return err
		})
		sendTo(t, peer, "def") // both wait when the stream looks
		on(t, l, s.Resume)
		wantGot(t, n, "abcdef", nil)
	}
}

// A duplicate of the descriptor may make it blocking, which the loop must not
// feel.
func TestABlockingDescriptorDoesNotStopTheLoop(t *testing.T) {
	l := start(t)
	s, peer := streamPair(t, l, "tcp4")
	if err := unix.SetNonblock(int(s.sock.fd), false); err != nil {
		t.Fatal(err)
	}
	n := beginSome(t, s)
	w := beginWrite(t, s, pattern(16<<20))
	on(t, l, func() {})
	sendTo(t, peer, "hello")
	wantGot(t, n, "hello", nil)
	expect(t, peer, string(pattern(16<<20)))
	if err := await(t, w); err != nil {
		t.Fatal(err)
	}
}

// Accepted connections have the options that package net sets.
func TestOptionsOfAcceptedConnections(t *testing.T) {
	l := start(t)
	s, _ := streamPair(t, l, "tcp4")
	for _, o := range []struct{ level, name, want int }{
		{unix.IPPROTO_TCP, unix.TCP_NODELAY, 1},
		{unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1},
		{unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, 15},
		{unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, 15},
		{unix.IPPROTO_TCP, unix.TCP_KEEPCNT, 9},
	} {
		if v, err := unix.GetsockoptInt(int(s.sock.fd), o.level, o.name); err != nil || v != o.want {
			t.Errorf("option %d: %d, %v; want %d", o.name, v, err, o.want)
		}
	}
	flags, err := unix.FcntlInt(uintptr(s.sock.fd), unix.F_GETFD, 0)
	if err != nil || flags&unix.FD_CLOEXEC == 0 {
		t.Errorf("descriptor flags %x, %v", flags, err)
	}
	if flags, err = unix.FcntlInt(uintptr(s.sock.fd), unix.F_GETFL, 0); err != nil || flags&unix.O_NONBLOCK == 0 {
		t.Errorf("status flags %x, %v", flags, err)
	}
}
