//go:build (linux || darwin || freebsd || netbsd || openbsd || dragonfly) && !valetportable

package fakesock

import (
	"fmt"
	"net"
	"runtime"
	"syscall"
	"time"

	"github.com/valet-go/valet/internal/sysio"
	"github.com/valet-go/valet/loop"
)

// Conn is a stream socket whose waiting is a loop's. It behaves like a
// [*net.TCPConn] or a stream [*net.UnixConn], and has their methods but
// MultipathTCP, those for messages, and WriteTo: package net saves copies by it
// only from TCP to unix sockets, so here [io.Copy] reads and writes. A type
// assertion to one of those types fails. See also the package doc. A Conn that
// becomes garbage is closed.
type Conn struct{ s *sock }

// Wrap takes the descriptor of c over, which must be a [*net.TCPConn] or a
// stream [*net.UnixConn] that nobody is using, and returns a Conn on it whose
// waiting is l's. c is closed by Wrap, whether it succeeds or not; the
// connection lives on in the Conn. Any goroutine; does not wait for the loop.
//
// Errors: [loop.ErrClosed]; the system's; a connection of another type, which
// is left as it is (to wrap a TLS connection, wrap the one below it).
func Wrap(l *loop.Loop, c net.Conn) (*Conn, error) {
	return wrap(l, c, c.LocalAddr().Network())
}

// wrap takes the name of the network as well, which package net keeps for
// errors and does not tell.
func wrap(l *loop.Loop, c net.Conn, network string) (*Conn, error) {
	if !wrappable(c) {
		return nil, fmt.Errorf("fakesock: cannot wrap a %T; it takes a *net.TCPConn or a stream *net.UnixConn", c)
	}
	defer c.Close()
	fd, err := sysio.Duplicate(c.(syscall.Conn))
	if err != nil {
		return nil, err
	}
	return newConn(l, fd, networkOf(network), c.LocalAddr(), c.RemoteAddr())
}

// newConn takes fd over, and closes it if it fails.
func newConn(l *loop.Loop, fd int, network network, laddr, raddr net.Addr) (*Conn, error) {
	s, err := newSock(l, fd, loop.Readable|loop.Writable, network, laddr, raddr)
	if err != nil {
		return nil, err
	}
	c := &Conn{s}
	runtime.AddCleanup(c, func(s *sock) { s.close() }, s)
	return c, nil
}

// Read reads up to len(p) bytes, parking until there are some. The errors are
// those of [net.TCPConn.Read].
func (c *Conn) Read(p []byte) (int, error) {
	n, err := c.s.read(p)
	if err != nil {
		err = c.s.wrapIO("read", err)
	}
	runtime.KeepAlive(c) // its cleanup would close the descriptor under a parked call
	return n, err
}

// Write writes all of p, parking as long as the socket takes no more. It
// returns how much was written together with an error; other writers wait
// until it returns. The errors are those of [net.TCPConn.Write].
func (c *Conn) Write(p []byte) (int, error) {
	n, err := c.s.write(p)
	if err != nil {
		err = c.s.wrapIO("write", err)
	}
	runtime.KeepAlive(c)
	return n, err
}

// Close ends every call that is parked, with [net.ErrClosed], and gives up the
// descriptor once they have left. Any goroutine; does not block.
func (c *Conn) Close() error {
	defer runtime.KeepAlive(c)
	if !c.s.close() {
		return c.s.opError("close", net.ErrClosed)
	}
	return nil
}

// LocalAddr returns the address of this end.
func (c *Conn) LocalAddr() net.Addr { return c.s.addrs.get().local }

// RemoteAddr returns the address of the other end.
func (c *Conn) RemoteAddr() net.Addr { return c.s.addrs.get().remote }

// SetDeadline sets the time at which reads and writes fail with
// [os.ErrDeadlineExceeded], those that are parked included; the zero time
// means never. Any goroutine; does not block, and makes no system call.
func (c *Conn) SetDeadline(t time.Time) error {
	return c.setDeadline(t, &c.s.r, &c.s.w)
}

// SetReadDeadline is SetDeadline for reads.
func (c *Conn) SetReadDeadline(t time.Time) error { return c.setDeadline(t, &c.s.r, nil) }

// SetWriteDeadline is SetDeadline for writes.
func (c *Conn) SetWriteDeadline(t time.Time) error { return c.setDeadline(t, nil, &c.s.w) }

func (c *Conn) setDeadline(t time.Time, r, w *direction) error {
	defer runtime.KeepAlive(c)
	if c.s.users.closed() {
		return c.s.ownError("set", net.ErrClosed)
	}
	at := deadlineAt(t)
	if r != nil {
		r.setDeadline(at)
	}
	if w != nil {
		w.setDeadline(at)
	}
	return nil
}
