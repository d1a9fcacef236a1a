//go:build !valetportable

package fakesock

import "golang.org/x/sys/unix"

const acceptCall = "accept4" // in errors

func acceptFD(fd int) (int, unix.Sockaddr, error) {
	return unix.Accept4(fd, unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK)
}
