//go:build (linux || darwin || freebsd || netbsd || openbsd || dragonfly) && !valetportable

package fakesock

import (
	"io"
	"net"
	"os"
	"runtime"
	"time"

	"golang.org/x/sys/unix"

	"github.com/valet-go/valet/internal/sysio"
)

// The methods below may be called from any goroutine, and none of them blocks.

func (c *Conn) with(op, call string, f func(fd int) error) error {
	defer runtime.KeepAlive(c)
	if err := c.s.with(call, f); err != nil {
		return c.s.opError(op, err)
	}
	return nil
}

// with runs f on the descriptor while it cannot be closed; call names the
// system call in errors.
func (s *sock) with(call string, f func(fd int) error) error {
	if !s.users.enter() {
		return net.ErrClosed
	}
	defer s.leave()
	return wrapErrno(call, f(int(s.fd)))
}

func (c *Conn) setInt(level, name, value int) error {
	return c.with("set", "setsockopt", func(fd int) error {
		if name < 0 { // not on this system
			return unix.ENOPROTOOPT
		}
		return unix.SetsockoptInt(fd, level, name, value)
	})
}

func (c *Conn) setBuffer(name, bytes int) error {
	defer runtime.KeepAlive(c)
	if err := c.s.with("setsockopt", func(fd int) error {
		return unix.SetsockoptInt(fd, unix.SOL_SOCKET, name, bytes)
	}); err != nil {
		return c.s.ownError("set", err)
	}
	return nil
}

// CloseRead shuts down the reading side, as [net.TCPConn.CloseRead].
func (c *Conn) CloseRead() error {
	return c.with("close", "shutdown", func(fd int) error { return unix.Shutdown(fd, unix.SHUT_RD) })
}

// CloseWrite shuts down the writing side, as [net.TCPConn.CloseWrite].
func (c *Conn) CloseWrite() error {
	return c.with("close", "shutdown", func(fd int) error { return unix.Shutdown(fd, unix.SHUT_WR) })
}

// SetNoDelay is [net.TCPConn.SetNoDelay]; the dialer sets it, too.
func (c *Conn) SetNoDelay(on bool) error {
	return c.setInt(unix.IPPROTO_TCP, unix.TCP_NODELAY, btoi(on))
}

// SetKeepAlive is [net.TCPConn.SetKeepAlive].
func (c *Conn) SetKeepAlive(on bool) error {
	return c.setInt(unix.SOL_SOCKET, unix.SO_KEEPALIVE, btoi(on))
}

// SetKeepAlivePeriod is [net.TCPConn.SetKeepAlivePeriod].
func (c *Conn) SetKeepAlivePeriod(d time.Duration) error {
	return c.setProbe(sysio.TCPKeepIdle, seconds(d), 15)
}

// setProbe sets an option of keep-alive probes: zero means Go's default, and a
// negative value leaves it as it is.
func (c *Conn) setProbe(name, value, byDefault int) error {
	switch {
	case value < 0:
		return nil
	case value == 0:
		value = byDefault
	}
	return c.setInt(unix.IPPROTO_TCP, name, value)
}

// SetKeepAliveConfig is [net.TCPConn.SetKeepAliveConfig]: zero fields mean
// Go's defaults (15 s, 15 s, 9), negative ones leave the option as it is.
func (c *Conn) SetKeepAliveConfig(config net.KeepAliveConfig) error {
	if err := c.SetKeepAlive(config.Enable); err != nil {
		return err
	}
	if err := c.setProbe(sysio.TCPKeepIdle, seconds(config.Idle), 15); err != nil {
		return err
	}
	if err := c.setProbe(sysio.TCPKeepInterval, seconds(config.Interval), 15); err != nil {
		return err
	}
	return c.setProbe(sysio.TCPKeepCount, config.Count, 9)
}

// SetLinger is [net.TCPConn.SetLinger].
func (c *Conn) SetLinger(sec int) error {
	l := unix.Linger{Onoff: int32(btoi(sec >= 0)), Linger: int32(max(sec, 0))}
	return c.with("set", "setsockopt", func(fd int) error {
		return unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &l)
	})
}

// SetReadBuffer sets the size of the kernel's receive buffer, in bytes.
func (c *Conn) SetReadBuffer(bytes int) error {
	return c.setBuffer(unix.SO_RCVBUF, bytes)
}

// SetWriteBuffer sets the size of the kernel's send buffer, in bytes.
func (c *Conn) SetWriteBuffer(bytes int) error {
	return c.setBuffer(unix.SO_SNDBUF, bytes)
}

// File returns a duplicate of the descriptor, as [net.TCPConn.File]. Its life
// is independent of the Conn's.
func (c *Conn) File() (f *os.File, err error) {
	defer runtime.KeepAlive(c)
	return c.s.file(c.s.network.String() + ":" + c.LocalAddr().String() + "->" + c.RemoteAddr().String())
}

func (s *sock) file(name string) (f *os.File, err error) {
	if err := s.with("fcntl", func(fd int) error {
		dup, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
		if err == nil {
			f = os.NewFile(uintptr(dup), name)
		}
		return err
	}); err != nil {
		return nil, s.opError("file", err)
	}
	return f, nil
}

// wrapIO wraps the error of a read or write: io.EOF stays bare.
func (s *sock) wrapIO(op string, err error) error {
	if err == io.EOF {
		return err
	}
	return s.opError(op, err)
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// seconds rounds up, as package net does; what is negative stays so.
func seconds(d time.Duration) int {
	if d < 0 {
		return -1
	}
	return int((d + time.Second - 1) / time.Second)
}
