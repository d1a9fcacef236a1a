package sysio

import "golang.org/x/sys/unix"

// Accept takes a connection off the backlog of a non-blocking listening
// descriptor; the new descriptor is non-blocking and closed on exec. Errors
// are bare errnos, EAGAIN and EINTR among them.
func Accept(fd int) (int, unix.Sockaddr, error) {
	return unix.Accept4(fd, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
}
