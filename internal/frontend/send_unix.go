//go:build (linux && (386 || s390x)) || darwin || freebsd

package frontend

import "golang.org/x/sys/unix"

// Send writes the start of p, which is not empty, without waiting, whatever
// the mode of the descriptor. Of a SIGPIPE the runtime takes no notice unless
// it is for standard output or error.
func Send(fd int, p []byte) (int, error) {
	for {
		n, err := unix.SendmsgN(fd, p, nil, nil, unix.MSG_DONTWAIT)
		switch err {
		case nil:
			return n, nil
		case unix.EINTR:
		default:
			return 0, err
		}
	}
}
