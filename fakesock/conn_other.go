//go:build valetportable || !(linux || darwin || freebsd || netbsd || openbsd || dragonfly)

package fakesock

import (
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
	"time"

	"github.com/valet-go/valet/internal/owner"
	"github.com/valet-go/valet/loop"
)

// Conn is a stream socket. On this system Go's own poller does the waiting;
// what the loop adds is that a call on the goroutine of a loop or front end
// fails with [loop.ErrWouldBlockLoop].
type Conn struct{ net.Conn }

// Wrap returns a Conn on c, which must be a [*net.TCPConn] or a stream
// [*net.UnixConn], and which belongs to the Conn from then on. Any goroutine.
func Wrap(l *loop.Loop, c net.Conn) (*Conn, error) {
	if !wrappable(c) {
		return nil, fmt.Errorf("fakesock: cannot wrap a %T; it takes a *net.TCPConn or a stream *net.UnixConn", c)
	}
	return &Conn{c}, nil
}

func wrap(l *loop.Loop, c net.Conn, _ string) (*Conn, error) { return Wrap(l, c) }

func (c *Conn) onLoop(op string) error {
	return &net.OpError{
		Op: op, Net: c.LocalAddr().Network(), Source: c.LocalAddr(), Addr: c.RemoteAddr(),
		Err: loop.ErrWouldBlockLoop,
	}
}

// Read is [net.Conn.Read]. It fails on the goroutine of a loop, where it might
// have to wait.
func (c *Conn) Read(p []byte) (int, error) {
	if owner.Here() {
		return 0, c.onLoop("read")
	}
	return c.Conn.Read(p)
}

// Write is [net.Conn.Write]. It fails on the goroutine of a loop, where it
// might have to wait.
func (c *Conn) Write(p []byte) (int, error) {
	if owner.Here() {
		return 0, c.onLoop("write")
	}
	return c.Conn.Write(p)
}

// SyscallConn gives access to the descriptor.
func (c *Conn) SyscallConn() (syscall.RawConn, error) { return c.Conn.(syscall.Conn).SyscallConn() }

// stream is what TCP and unix connections share.
type stream interface {
	CloseRead() error
	CloseWrite() error
	SetReadBuffer(int) error
	SetWriteBuffer(int) error
	File() (*os.File, error)
}

// CloseRead shuts down the reading side.
func (c *Conn) CloseRead() error { return c.Conn.(stream).CloseRead() }

// CloseWrite shuts down the writing side.
func (c *Conn) CloseWrite() error { return c.Conn.(stream).CloseWrite() }

// SetReadBuffer sets the size of the kernel's receive buffer, in bytes.
func (c *Conn) SetReadBuffer(bytes int) error { return c.Conn.(stream).SetReadBuffer(bytes) }

// SetWriteBuffer sets the size of the kernel's send buffer, in bytes.
func (c *Conn) SetWriteBuffer(bytes int) error { return c.Conn.(stream).SetWriteBuffer(bytes) }

// File returns a duplicate of the descriptor.
func (c *Conn) File() (*os.File, error) { return c.Conn.(stream).File() }

// tcp runs f on a TCP connection.
func (c *Conn) tcp(f func(*net.TCPConn) error) error {
	if t, ok := c.Conn.(*net.TCPConn); ok {
		return f(t)
	}
	return &net.OpError{Op: "set", Net: c.LocalAddr().Network(), Err: errors.ErrUnsupported}
}

// SetNoDelay is [net.TCPConn.SetNoDelay].
func (c *Conn) SetNoDelay(on bool) error {
	return c.tcp(func(t *net.TCPConn) error { return t.SetNoDelay(on) })
}

// SetKeepAlive is [net.TCPConn.SetKeepAlive].
func (c *Conn) SetKeepAlive(on bool) error {
	return c.tcp(func(t *net.TCPConn) error { return t.SetKeepAlive(on) })
}

// SetKeepAlivePeriod is [net.TCPConn.SetKeepAlivePeriod].
func (c *Conn) SetKeepAlivePeriod(d time.Duration) error {
	return c.tcp(func(t *net.TCPConn) error { return t.SetKeepAlivePeriod(d) })
}

// SetKeepAliveConfig is [net.TCPConn.SetKeepAliveConfig].
func (c *Conn) SetKeepAliveConfig(config net.KeepAliveConfig) error {
	return c.tcp(func(t *net.TCPConn) error { return t.SetKeepAliveConfig(config) })
}

// SetLinger is [net.TCPConn.SetLinger].
func (c *Conn) SetLinger(sec int) error {
	return c.tcp(func(t *net.TCPConn) error { return t.SetLinger(sec) })
}
