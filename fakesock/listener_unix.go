//go:build (linux || darwin || freebsd || netbsd || openbsd || dragonfly) && !valetportable

package fakesock

import (
	"net"
	"os"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/valet-go/valet/internal/sysio"
	"github.com/valet-go/valet/loop"
)

// Listener is a listening socket whose waiting is a loop's, and so is that of
// the connections it accepts. It behaves like a [*net.TCPListener] or a stream
// [*net.UnixListener]; a type assertion to one of them fails. A Listener that
// becomes garbage is closed, which leaves the file of a unix socket behind, as
// package net does.
type Listener struct {
	s *sock
	l *loop.Loop
}

// WrapListener takes the descriptor of ln over, which must be a
// [*net.TCPListener] or a stream [*net.UnixListener] that nobody is using, for
// instance one made by a [net.ListenConfig], and returns a Listener on it whose
// waiting is l's. ln is closed, whether WrapListener succeeds or not. What the
// ListenConfig said about keep-alive is lost: see [Listener.Accept]. The file of
// a unix socket stays, and the Listener's Close will remove it; see
// [Listener.SetUnlinkOnClose]. Any goroutine; does not block.
//
// Errors: [loop.ErrClosed]; the system's; a listener of another type, which is
// left as it is.
func WrapListener(l *loop.Loop, ln net.Listener) (*Listener, error) {
	return wrapListener(l, ln, ln.Addr().Network())
}

func wrapListener(l *loop.Loop, ln net.Listener, network string) (*Listener, error) {
	if !wrappableListener(ln) {
		return nil, errListenerType(ln)
	}
	defer ln.Close()
	fd, err := sysio.Duplicate(ln.(syscall.Conn))
	if err != nil {
		return nil, err
	}
	s, err := newSock(l, fd, loop.Readable, networkOf(network), ln.Addr(), nil)
	if err != nil {
		return nil, err
	}
	out := &Listener{s, l}
	if u, ok := ln.(*net.UnixListener); ok {
		u.SetUnlinkOnClose(false)
		s.unlink.Store(true)
	}
	runtime.AddCleanup(out, func(s *sock) { s.unlink.Store(false); s.close() }, s)
	return out, nil
}

// Accept waits for the next connection and returns it, a [*Conn] on the
// Listener's loop. TCP connections have TCP_NODELAY set and keep-alive probes
// after 15 s, every 15 s, up to 9, as package net's listeners set by default.
// Any goroutine, several at once; it parks, and fails with
// [loop.ErrWouldBlockLoop] where it must not. The errors are those of
// [net.TCPListener.Accept]; a lack of descriptors fails the call, not the
// Listener. After Close it fails with [net.ErrClosed].
func (ln *Listener) Accept() (net.Conn, error) {
	defer runtime.KeepAlive(ln) // its cleanup would close the descriptor under a parked call
	c, err := ln.accept()
	if err != nil {
		return nil, ln.s.opError("accept", err)
	}
	return c, nil
}

func (ln *Listener) accept() (*Conn, error) {
	fd, peer, err := ln.s.accept()
	if err != nil {
		return nil, err
	}
	own, err := unix.Getsockname(fd)
	if err != nil {
		unix.Close(fd)
		return nil, os.NewSyscallError("getsockname", err)
	}
	if ln.s.network != netUnix {
		_ = sysio.TCPDefaults(fd) // as package net: the connection is usable without
	}
	return newConn(ln.l, fd, ln.s.network, sysio.Addr(own), sysio.Addr(peer))
}

// accept waits for a connection and returns its descriptor and peer.
func (s *sock) accept() (int, unix.Sockaddr, error) {
	if !s.users.enter() {
		return -1, nil, net.ErrClosed
	}
	defer s.leave()
	d := &s.r
	if !d.lock() {
		return -1, nil, loop.ErrWouldBlockLoop
	}
	defer d.mu.Unlock()
	for {
		w := d.word.Load()
		passed, t := d.expired()
		switch {
		case stateOf(w) == closed:
			return -1, nil, net.ErrClosed
		case passed:
			return -1, nil, os.ErrDeadlineExceeded
		case stateOf(w) == ready:
			fd, peer, err := sysio.Accept(int(s.fd))
			switch err {
			case nil:
				d.yield()
				return fd, peer, nil
			case unix.EAGAIN:
				d.drained(w)
			case unix.EINTR, unix.ECONNABORTED: // the latter: gone before it was accepted
			default:
				return -1, nil, wrapErrno(sysio.AcceptCall, err)
			}
		default:
			if out, _, err := d.park(opAccept, w, nil, t); out != again {
				return -1, nil, errorOf(out, err)
			}
		}
	}
}

// Close ends every Accept that is parked, with [net.ErrClosed], removes the
// file of a unix socket, and gives up the descriptor once the calls have left.
// Connections that were accepted stay. Any goroutine; does not block. A second
// call reports [net.ErrClosed].
func (ln *Listener) Close() error {
	defer runtime.KeepAlive(ln)
	if !ln.s.close() {
		return ln.s.opError("close", net.ErrClosed)
	}
	return nil
}

// Addr returns the address that is listened on. Any goroutine, also after Close.
func (ln *Listener) Addr() net.Addr { return ln.s.addrs.get().local }

// SetDeadline sets the time at which Accept fails with
// [os.ErrDeadlineExceeded], calls that are parked included; the zero time means
// never. Any goroutine; does not block. After Close it reports [net.ErrClosed].
func (ln *Listener) SetDeadline(t time.Time) error {
	defer runtime.KeepAlive(ln)
	if ln.s.users.closed() {
		return net.ErrClosed // bare, as package net's
	}
	ln.s.r.setDeadline(deadlineAt(t))
	return nil
}

// SetUnlinkOnClose says whether Close removes the file of a unix socket, which
// it does by default: net's own default depends on who made the file, and
// WrapListener cannot see that. Any goroutine; without effect after Close.
func (ln *Listener) SetUnlinkOnClose(unlink bool) {
	ln.s.unlink.Store(unlink && ln.s.network == netUnix)
}

// File returns a duplicate of the descriptor, as [net.TCPListener.File]. Its
// life is independent of the Listener's. Any goroutine; does not block.
func (ln *Listener) File() (*os.File, error) {
	defer runtime.KeepAlive(ln)
	return ln.s.file(ln.s.network.String() + ":" + ln.Addr().String() + "->")
}

// SyscallConn gives access to the descriptor, by Control only, as
// [net.TCPListener.SyscallConn]. Any goroutine; does not block.
func (ln *Listener) SyscallConn() (syscall.RawConn, error) { return rawListener{ln}, nil }

type rawListener struct{ ln *Listener }

func (r rawListener) Control(f func(fd uintptr)) error {
	defer runtime.KeepAlive(r.ln)
	return r.ln.s.control(f)
}

func (rawListener) Read(func(uintptr) bool) error { return syscall.EINVAL }

func (rawListener) Write(func(uintptr) bool) error { return syscall.EINVAL }
