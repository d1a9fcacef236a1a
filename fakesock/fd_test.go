//go:build unix

package fakesock

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// readFD is a raw user's read.
func readFD(fd uintptr, p []byte) (int, error) { return syscall.Read(int(fd), p) }

// peekFD is readFD that leaves what it sees.
func peekFD(fd uintptr, p []byte) (int, error) {
	n, _, err := syscall.Recvfrom(int(fd), p, syscall.MSG_PEEK)
	return n, err
}

func writeFD(fd uintptr, p []byte) (int, error) { return syscall.Write(int(fd), p) }

// hungUp reports whether the peer's reset has arrived, and leaves it there.
func hungUp(fd uintptr) bool {
	p := []unix.PollFd{{Fd: int32(fd)}}
	_, err := unix.Poll(p, 0)
	return err == nil && p[0].Revents&(unix.POLLHUP|unix.POLLERR) != 0
}
