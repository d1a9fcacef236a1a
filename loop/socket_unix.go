//go:build (linux || darwin || freebsd || netbsd || openbsd || dragonfly) && !valetportable

package loop

import (
	"net"
	"os"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/valet-go/valet/internal/sysio"
)

// native is a descriptor.
type native int

func takeConn(c net.Conn) (native, error) {
	defer c.Close()
	fd, err := sysio.Duplicate(c.(syscall.Conn))
	return native(fd), err
}

func closeNative(fd native) { unix.Close(int(fd)) }

// socket is a registered descriptor. It is registered once, edge-triggered:
// readiness is a latch, which events set and only an EAGAIN, or a short read
// that proves the socket empty, clears.
type socket struct {
	handle *Handle
	fd     int32

	// probe says that a short read proves nothing: on a unix socket the end
	// of a message cuts a read short, and on TCP urgent data and the end do,
	// and what follows them causes no further event. kqueue does not report
	// urgent data, so there it is always set.
	probe bool
}

func (k *socket) open(l *Loop, c link, event func(Readiness)) error {
	_, tcp := c.laddr.(*net.TCPAddr)
	k.fd, k.probe = int32(c.native), !tcp || runtime.GOOS != "linux"
	h, err := l.AddHandler(int(c.native), Readable|Writable|Edge, event)
	k.handle = h
	return err
}

func (k *socket) note(r Readiness) {
	if r&(HangUp|Failed|Urgent) != 0 {
		k.probe = true
	}
}

func (*socket) watch() {} // events say so

func (k *socket) recv(p []byte) (n int, more bool, err error) {
	for {
		switch n, err = sysio.Recv(int(k.fd), p); err {
		case nil:
			return n, n == len(p) || k.probe, nil
		case unix.EAGAIN:
			return 0, false, errAgain
		case unix.EINTR:
		default:
			return 0, false, os.NewSyscallError("read", err)
		}
	}
}

// sendAtOnce is the most that one system call is given.
const sendAtOnce = 256 << 10

func (k *socket) send(p []byte) (int, error) {
	for {
		switch n, err := sysio.Send(int(k.fd), p[:min(len(p), sendAtOnce)]); err {
		case nil:
			return n, nil
		case unix.EAGAIN:
			return 0, errAgain
		case unix.EINTR:
		default:
			return 0, os.NewSyscallError("write", err)
		}
	}
}

func (k *socket) closeWrite() error { return unix.Shutdown(int(k.fd), unix.SHUT_WR) }

// close deregisters first: a registration follows the open file description,
// which duplicates share.
func (k *socket) close() {
	_ = k.handle.Remove()
	unix.Close(int(k.fd))
}
