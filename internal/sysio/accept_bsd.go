//go:build darwin || freebsd || netbsd || openbsd || dragonfly

package sysio

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// AcceptCall is the system call that Accept makes, for errors.
const AcceptCall = "accept"

// Accept takes a connection off the backlog of a non-blocking listening
// descriptor; the new descriptor is non-blocking and closed on exec. Errors
// are bare errnos, EAGAIN and EINTR among them.
func Accept(fd int) (int, unix.Sockaddr, error) {
	// Not every system has accept4. The lock keeps a child from being forked
	// between the two calls.
	syscall.ForkLock.RLock()
	nfd, sa, err := unix.Accept(fd)
	if err == nil {
		unix.CloseOnExec(nfd)
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return -1, nil, err
	}
	if err := unix.SetNonblock(nfd, true); err != nil {
		unix.Close(nfd)
		return -1, nil, err
	}
	return nfd, sa, nil
}
