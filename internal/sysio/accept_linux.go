package sysio

import "golang.org/x/sys/unix"

// AcceptCall is the system call that Accept makes, for errors.
const AcceptCall = "accept4"

// Accept takes a connection off the backlog of a non-blocking listening
// descriptor; the new descriptor is non-blocking and closed on exec. Errors
// are bare errnos, EAGAIN and EINTR among them.
func Accept(fd int) (int, unix.Sockaddr, error) {
	return unix.Accept4(fd, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
}
