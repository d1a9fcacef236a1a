package sysio

import (
	"os"

	"golang.org/x/sys/unix"
)

// ReusePort lets several sockets listen on one port, among which the system
// spreads the connections, which FreeBSD's SO_REUSEPORT alone does not do.
// Call it before the socket is bound.
func ReusePort(fd uintptr) error {
	return os.NewSyscallError("setsockopt", unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT_LB, 1))
}
