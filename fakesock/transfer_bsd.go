//go:build (darwin || freebsd || netbsd || openbsd || dragonfly) && !valetportable

package fakesock

import "golang.org/x/sys/unix"

// recv and send never wait, whatever O_NONBLOCK says, which a duplicate of the
// descriptor may have changed. A write to a socket whose peer is gone causes no
// SIGPIPE in a Go program unless it is standard output (see os/signal).

func recv(fd int, p []byte) (int, error) {
	n, _, err := unix.Recvfrom(fd, p[:min(len(p), maxIO)], unix.MSG_DONTWAIT)
	if err != nil {
		return 0, err
	}
	return n, nil
}

func send(fd int, p []byte) (int, error) {
	n, err := unix.SendmsgN(fd, p[:min(len(p), maxIO)], nil, nil, unix.MSG_DONTWAIT)
	if err != nil {
		return 0, err
	}
	return n, nil
}
