//go:build darwin || freebsd || netbsd || openbsd || dragonfly

package sysio

import "golang.org/x/sys/unix"

// Recv and Send never wait, whatever O_NONBLOCK says, which a duplicate of the
// descriptor may have changed. A write to a socket whose peer is gone causes no
// SIGPIPE in a Go program unless it is standard output (see os/signal).

// Recv receives up to len(p) bytes. Errors are bare errnos, EAGAIN and EINTR
// among them; no bytes and no error is the end of the file.
func Recv(fd int, p []byte) (int, error) {
	n, _, err := unix.Recvfrom(fd, clamp(p), unix.MSG_DONTWAIT)
	if err != nil {
		return 0, err
	}
	return n, nil
}

// Send sends the start of p. Errors are bare errnos, EAGAIN and EINTR among
// them.
func Send(fd int, p []byte) (int, error) {
	n, err := unix.SendmsgN(fd, clamp(p), nil, nil, unix.MSG_DONTWAIT)
	if err != nil {
		return 0, err
	}
	return n, nil
}
