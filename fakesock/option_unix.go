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

// with runs f on the descriptor while it cannot be closed; call names the
// system call in errors. None of the methods below blocks.
func (c *Conn) with(op, call string, f func(fd int) error) error {
	defer runtime.KeepAlive(c)
	s := c.s
	if !s.users.enter() {
		return s.opError(op, net.ErrClosed)
	}
	defer s.leave()
	if err := f(s.fd); err != nil {
		return s.opError(op, wrapErrno(call, err))
	}
	return nil
}

func (c *Conn) setInt(level, name, value int) error {
	return c.with("set", "setsockopt", func(fd int) error {
		if name < 0 { // not on this system
			return unix.ENOPROTOOPT
		}
		return unix.SetsockoptInt(fd, level, name, value)
	})
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
	return c.setInt(unix.IPPROTO_TCP, sysio.TCPKeepIdle, seconds(d))
}

// SetKeepAliveConfig is [net.TCPConn.SetKeepAliveConfig]: zero fields mean
// Go's defaults (15 s, 15 s, 9), negative ones leave the option as it is.
func (c *Conn) SetKeepAliveConfig(config net.KeepAliveConfig) error {
	if err := c.SetKeepAlive(config.Enable); err != nil {
		return err
	}
	for _, o := range []struct{ name, value, unit, byDefault int }{
		{sysio.TCPKeepIdle, int(config.Idle), int(time.Second), 15},
		{sysio.TCPKeepInterval, int(config.Interval), int(time.Second), 15},
		{sysio.TCPKeepCount, config.Count, 1, 9},
	} {
		if o.value < 0 {
			continue
		}
		value := o.byDefault
		if o.value > 0 {
			value = (o.value + o.unit - 1) / o.unit
		}
		if err := c.setInt(unix.IPPROTO_TCP, o.name, value); err != nil {
			return err
		}
	}
	return nil
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
	return c.setInt(unix.SOL_SOCKET, unix.SO_RCVBUF, bytes)
}

// SetWriteBuffer sets the size of the kernel's send buffer, in bytes.
func (c *Conn) SetWriteBuffer(bytes int) error {
	return c.setInt(unix.SOL_SOCKET, unix.SO_SNDBUF, bytes)
}

// File returns a duplicate of the descriptor, as [net.TCPConn.File]. Its life
// is independent of the Conn's.
func (c *Conn) File() (f *os.File, err error) {
	err = c.with("file", "fcntl", func(fd int) error {
		dup, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
		if err == nil {
			f = os.NewFile(uintptr(dup), c.s.network+":"+c.s.laddr.String()+"->"+c.s.raddr.String())
		}
		return err
	})
	return f, err
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

// seconds rounds up, as package net does.
func seconds(d time.Duration) int { return int((d + time.Second - 1) / time.Second) }
