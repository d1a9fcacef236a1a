//go:build linux || darwin || freebsd

package evioloop

import (
	"fmt"
	"net"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

const (
	// headRoom is how many descriptors are left to the rest of the program,
	// and to evio, which ends when it cannot accept.
	headRoom = 64
	// spare is how many low descriptor numbers are kept; see freeSpares.
	spare = 16
	// longestDir keeps the wake socket's path within what a unix address
	// holds, 104 bytes on some systems.
	longestDir = 90
)

// privateDir makes a directory that only this user can enter.
func privateDir() (string, error) {
	dir, err := os.MkdirTemp("", "evioloop")
	if err == nil && len(dir) > longestDir {
		os.Remove(dir)
		dir, err = os.MkdirTemp("/tmp", "evioloop")
	}
	return dir, err
}

// reserve makes sure that n descriptors are free and keeps the lowest few:
// evio panics, or hangs, if it cannot open its poll.
func reserve(path string, n int) ([]int, error) {
	var fds []int
	var err error
	for range n {
		var fd int
		if fd, err = unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0); err != nil {
			break
		}
		fds = append(fds, fd)
	}
	keep := spare
	if err != nil {
		keep = 0
	}
	for _, fd := range fds[keep:] {
		unix.Close(fd)
	}
	return fds[:keep], err
}

// descriptorLimit is the number from which on a descriptor is too high: since
// the system gives out the lowest that is free, such a number means that the
// table is full but for the head-room.
func descriptorLimit() int {
	var l unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &l); err != nil || uint64(l.Cur) > 1<<30 {
		return 1 << 30
	}
	return int(l.Cur) - min(headRoom, int(l.Cur)/4)
}

// duplicate returns a descriptor for the same connection, close-on-exec and
// below limit.
func duplicate(fd, limit int) (int, error) {
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

// noDelay sends small replies at once. It fails only on a connection that is
// broken, which evio will notice.
func noDelay(fd int) { _ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1) }

// connectUnix connects to the listener at path, which does not wait for it to
// accept.
func connectUnix(path string) (int, error) {
	syscall.ForkLock.RLock()
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err == nil {
		unix.CloseOnExec(fd)
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return -1, os.NewSyscallError("socket", err)
	}
	if err := unix.Connect(fd, &unix.SockaddrUnix{Name: path}); err != nil {
		unix.Close(fd)
		return -1, os.NewSyscallError("connect", err)
	}
	return fd, nil
}

// boundAddr is the TCP address that fd is bound to, or nil.
func boundAddr(fd int) net.Addr {
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
