//go:build valetportable || !(linux || darwin || freebsd || netbsd || openbsd || dragonfly)

package fakesock

import (
	"fmt"
	"io"
	"net"
	"runtime"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/valet-go/valet/internal/owner"
	"github.com/valet-go/valet/loop"
)

// Conn is a stream socket. On this system Go's own poller does the waiting;
// what the loop adds is that a call on the goroutine of a loop or front end
// fails with [loop.ErrWouldBlockLoop]. All methods may be called from any other
// goroutine at any time; errors are those of package net.
type Conn struct {
	c net.Conn
	s *sock
}

// sock is what is known of a connection or listener: it is in the roster.
type sock struct {
	r, w          direction
	local, remote net.Addr
	link
}

// direction is what a connection does in one direction.
type direction struct {
	account
	deadline atomic.Int64 // in nanoseconds since epoch; 0: none
}

func (s *sock) ends() (local, remote net.Addr) { return s.local, s.remote }

// Wrap returns a Conn on c, which must be a [*net.TCPConn] or a stream
// [*net.UnixConn], and which belongs to the Conn from then on. Any goroutine;
// does not block.
func Wrap(l *loop.Loop, c net.Conn) (*Conn, error) {
	if !wrappable(c) {
		return nil, fmt.Errorf("fakesock: cannot wrap a %T; it takes a *net.TCPConn or a stream *net.UnixConn", c)
	}
	if err := open(l); err != nil {
		c.Close()
		return nil, err
	}
	s := &sock{local: c.LocalAddr(), remote: c.RemoteAddr()}
	s.enlist(l)
	out := &Conn{c, s}
	runtime.AddCleanup(out, func(s *sock) { s.strike() }, s) // package net closes c
	return out, nil
}

func wrap(l *loop.Loop, c net.Conn, _ string) (*Conn, error) { return Wrap(l, c) }

// open reports [loop.ErrClosed] for a closed loop.
func open(l *loop.Loop) error { return l.Post(func() {}) }

func (c *Conn) onLoop(op string) error {
	return &net.OpError{
		Op: op, Net: c.s.local.Network(), Source: c.s.local, Addr: c.s.remote, Err: loop.ErrWouldBlockLoop,
	}
}

// Read is [net.Conn.Read]. It fails on the goroutine of a loop, where it might
// have to wait.
func (c *Conn) Read(p []byte) (int, error) {
	if owner.Here() {
		return 0, c.onLoop("read")
	}
	noted := c.s.r.park(opRead, now(), c)
	n, err := c.c.Read(p)
	c.s.r.leave(noted)
	c.s.r.count(int64(n))
	return n, err
}

// Write is [net.Conn.Write]. It fails on the goroutine of a loop, where it
// might have to wait.
func (c *Conn) Write(p []byte) (int, error) {
	if owner.Here() {
		return 0, c.onLoop("write")
	}
	noted := c.s.w.park(opWrite, now(), c)
	n, err := c.c.Write(p)
	c.s.w.leave(noted)
	c.s.w.count(int64(n))
	return n, err
}

// ReadFrom is [net.TCPConn.ReadFrom], for unix sockets, too. It fails on the
// goroutine of a loop, where it might have to wait.
func (c *Conn) ReadFrom(r io.Reader) (int64, error) {
	if owner.Here() {
		return 0, c.onLoop("readfrom")
	}
	rf, ok := c.c.(io.ReaderFrom)
	if !ok { // a unix socket
		n, err := io.Copy(struct{ io.Writer }{c}, r)
		if err != nil && err != io.EOF {
			err = &net.OpError{Op: "readfrom", Net: "unix", Source: c.s.local, Addr: c.s.remote, Err: err}
		}
		return n, err
	}
	noted := c.s.w.park(opReadFrom, now(), c)
	defer c.s.w.leave(noted) // r may panic
	n, err := rf.ReadFrom(r)
	c.s.w.count(n)
	return n, err
}

// Close is [net.Conn.Close].
func (c *Conn) Close() error {
	c.s.strike()
	return c.c.Close()
}

// LocalAddr returns the address of this end.
func (c *Conn) LocalAddr() net.Addr { return c.s.local }

// RemoteAddr returns the address of the other end.
func (c *Conn) RemoteAddr() net.Addr { return c.s.remote }

// SetDeadline is [net.Conn.SetDeadline].
func (c *Conn) SetDeadline(t time.Time) error {
	err := c.c.SetDeadline(t)
	if err == nil {
		c.s.r.deadline.Store(deadlineAt(t))
		c.s.w.deadline.Store(deadlineAt(t))
	}
	return err
}

// SetReadDeadline is [net.Conn.SetReadDeadline].
func (c *Conn) SetReadDeadline(t time.Time) error {
	err := c.c.SetReadDeadline(t)
	if err == nil {
		c.s.r.deadline.Store(deadlineAt(t))
	}
	return err
}

// SetWriteDeadline is [net.Conn.SetWriteDeadline].
func (c *Conn) SetWriteDeadline(t time.Time) error {
	err := c.c.SetWriteDeadline(t)
	if err == nil {
		c.s.w.deadline.Store(deadlineAt(t))
	}
	return err
}

// Quiet is false: nobody knows without a look.
func (c *Conn) Quiet() bool { return false }

// SyscallConn gives access to the descriptor.
func (c *Conn) SyscallConn() (syscall.RawConn, error) { return c.c.(syscall.Conn).SyscallConn() }
