//go:build (darwin || freebsd || netbsd || openbsd || dragonfly) && !valetportable

package fakesock

import (
	"syscall"

	"golang.org/x/sys/unix"
)

const acceptCall = "accept" // in errors

// acceptFD does in steps what accept4 does at once, since macOS has none; the
// lock keeps a child process from being started in between. The listening
// socket does not block, so the lock is not held for long.
func acceptFD(fd int) (int, unix.Sockaddr, error) {
	syscall.ForkLock.RLock()
	n, peer, err := unix.Accept(fd)
	if err == nil {
		unix.CloseOnExec(n)
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return -1, nil, err
	}
	if err := unix.SetNonblock(n, true); err != nil {
		unix.Close(n)
		return -1, nil, err
	}
	return n, peer, nil
}
