//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package sysio

import (
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// Duplicate returns a duplicate of a connection's or listener's descriptor,
// closed on exec, which lives on when the original is closed.
func Duplicate(c syscall.Conn) (int, error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return -1, err
	}
	fd := -1
	var dupErr error
	if err := raw.Control(func(orig uintptr) {
		fd, dupErr = unix.FcntlInt(orig, unix.F_DUPFD_CLOEXEC, 0)
	}); err != nil {
		return -1, err
	}
	if dupErr != nil {
		return -1, os.NewSyscallError("fcntl", dupErr)
	}
	return fd, nil
}
