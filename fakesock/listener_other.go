//go:build valetportable || !(linux || darwin || freebsd || netbsd || openbsd || dragonfly)

package fakesock

import (
	"net"
	"os"
	"runtime"
	"syscall"
	"time"

	"github.com/valet-go/valet/internal/owner"
	"github.com/valet-go/valet/loop"
)

// Listener is a listening socket that accepts connections on a loop. On this
// system Go's own poller does the waiting. All methods may be called from any
// goroutine, but Accept not from a loop's; errors are those of package net.
type Listener struct {
	ln net.Listener
	l  *loop.Loop
	s  *sock
}

// WrapListener returns a Listener on ln, which must be a [*net.TCPListener] or
// a stream [*net.UnixListener], and which belongs to the Listener from then on.
// Any goroutine; does not block. Errors: [loop.ErrClosed], and ln is closed; a
// listener of another type, which is left as it is.
func WrapListener(l *loop.Loop, ln net.Listener) (*Listener, error) {
	if !wrappableListener(ln) {
		return nil, errListenerType(ln)
	}
	if err := open(l); err != nil {
		ln.Close()
		return nil, err
	}
	s := &sock{local: ln.Addr()}
	s.enlist(l)
	out := &Listener{ln, l, s}
	out.SetUnlinkOnClose(true)
	runtime.AddCleanup(out, func(s *sock) { s.strike() }, s) // package net closes ln
	return out, nil
}

func wrapListener(l *loop.Loop, ln net.Listener, _ string) (*Listener, error) {
	return WrapListener(l, ln)
}

// Accept waits for the next connection and returns it, a [*Conn] on the
// Listener's loop. It fails on the goroutine of a loop, where it might have to
// wait.
func (ln *Listener) Accept() (net.Conn, error) {
	if owner.Here() {
		return nil, &net.OpError{Op: "accept", Net: ln.Addr().Network(), Addr: ln.Addr(), Err: loop.ErrWouldBlockLoop}
	}
	noted := ln.s.r.park(opAccept, now(), ln)
	nc, err := ln.ln.Accept()
	ln.s.r.leave(noted)
	if err != nil {
		return nil, err
	}
	c, err := Wrap(ln.l, nc)
	if err != nil {
		return nil, &net.OpError{Op: "accept", Net: ln.Addr().Network(), Addr: ln.Addr(), Err: err}
	}
	return c, nil
}

// Close ends every Accept that waits, and removes the file of a unix socket.
func (ln *Listener) Close() error {
	ln.s.strike()
	return ln.ln.Close()
}

// Addr returns the address that is listened on.
func (ln *Listener) Addr() net.Addr { return ln.s.local }

// listener is what TCP and unix listeners share.
type listener interface {
	SetDeadline(time.Time) error
	File() (*os.File, error)
	syscall.Conn
}

// SetDeadline is [net.TCPListener.SetDeadline].
func (ln *Listener) SetDeadline(t time.Time) error {
	err := ln.ln.(listener).SetDeadline(t)
	if err == nil {
		ln.s.r.deadline.Store(deadlineAt(t))
	}
	return err
}

// SetUnlinkOnClose says whether Close removes the file of a unix socket, which
// it does by default. Without effect after Close.
func (ln *Listener) SetUnlinkOnClose(unlink bool) {
	if u, ok := ln.ln.(*net.UnixListener); ok {
		u.SetUnlinkOnClose(unlink)
	}
}

// File returns a duplicate of the descriptor.
func (ln *Listener) File() (*os.File, error) { return ln.ln.(listener).File() }

// SyscallConn gives access to the descriptor, by Control only.
func (ln *Listener) SyscallConn() (syscall.RawConn, error) { return ln.ln.(listener).SyscallConn() }
