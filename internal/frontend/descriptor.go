//go:build linux || darwin || freebsd

package frontend

import (
	"fmt"
	"net"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// headRoom is how many descriptors are left to the rest of the program,
// and to the engine, which ends when it cannot accept.
const headRoom = 64

// Reserve makes sure that n descriptors are free, since an engine that cannot
// open its poll may panic, or hang, and keeps the lowest few, of which the
// caller disposes with [Free].
func Reserve(n, keep int) ([]int, error) {
	var fds []int
	var err error
	for range n {
		var fd int
		if fd, err = unix.Open(os.DevNull, unix.O_RDONLY|unix.O_CLOEXEC, 0); err != nil {
			break
		}
		fds = append(fds, fd)
	}
	if err != nil {
		keep = 0
	}
	Free(fds[keep:])
	if err != nil {
		return nil, fmt.Errorf("too few descriptors are free (see ulimit -n): %w", err)
	}
	return fds[:keep], nil
}

// Free closes descriptors.
func Free(fds []int) {
	for _, fd := range fds {
		unix.Close(fd)
	}
}

// DescriptorLimit is the number from which on a descriptor is too high: since
// the system gives out the lowest that is free, such a number means that the
// table is full but for the head-room.
func DescriptorLimit() int {
	var l unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &l); err != nil || uint64(l.Cur) > 1<<30 {
		return 1 << 30
	}
	return int(l.Cur) - min(headRoom, int(l.Cur)/4)
}

// Duplicate returns a descriptor for the same connection, close-on-exec and
// below limit.
func Duplicate(fd, limit int) (int, error) {
	dup, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return -1, fmt.Errorf("duplicate descriptor %d: %w", fd, err)
	}
	if dup >= limit {
		unix.Close(dup)
		return -1, fmt.Errorf("descriptor %d is above %d: %w", dup, limit, syscall.EMFILE)
	}
	return dup, nil
}

// NoDelay sends small replies at once. It fails only on a connection that is
// broken, which evio will notice.
func NoDelay(fd int) { _ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1) }

// BoundAddr is the TCP address that fd is bound to, or nil.
func BoundAddr(fd int) net.Addr {
	sa, err := unix.Getsockname(fd)
	if err != nil {
		return nil
	}
	switch sa := sa.(type) {
	case *unix.SockaddrInet4:
		return &net.TCPAddr{IP: net.IP(sa.Addr[:]), Port: sa.Port}
	case *unix.SockaddrInet6:
		a := &net.TCPAddr{IP: net.IP(sa.Addr[:]), Port: sa.Port}
		if sa.ZoneId != 0 {
			if i, err := net.InterfaceByIndex(int(sa.ZoneId)); err == nil {
				a.Zone = i.Name
			}
		}
		return a
	}
	return nil
}
