//go:build valetportable || !(linux || darwin || freebsd || netbsd || openbsd || dragonfly)

package fakesock

import (
	"errors"
	"net"
	"os"
	"time"
)

// None of the methods below blocks.

// stream is what TCP and unix connections share.
type stream interface {
	CloseRead() error
	CloseWrite() error
	SetReadBuffer(int) error
	SetWriteBuffer(int) error
	File() (*os.File, error)
}

// CloseRead shuts down the reading side.
func (c *Conn) CloseRead() error { return c.c.(stream).CloseRead() }

// CloseWrite shuts down the writing side.
func (c *Conn) CloseWrite() error { return c.c.(stream).CloseWrite() }

// SetReadBuffer sets the size of the kernel's receive buffer, in bytes.
func (c *Conn) SetReadBuffer(bytes int) error { return c.c.(stream).SetReadBuffer(bytes) }

// SetWriteBuffer sets the size of the kernel's send buffer, in bytes.
func (c *Conn) SetWriteBuffer(bytes int) error { return c.c.(stream).SetWriteBuffer(bytes) }

// File returns a duplicate of the descriptor.
func (c *Conn) File() (*os.File, error) { return c.c.(stream).File() }

// tcp runs f on a TCP connection.
func (c *Conn) tcp(f func(*net.TCPConn) error) error {
	if t, ok := c.c.(*net.TCPConn); ok {
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
