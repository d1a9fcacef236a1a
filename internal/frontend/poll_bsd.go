//go:build darwin || freebsd

package frontend

import "golang.org/x/sys/unix"

// forgetsClosed tells whether a registration ends when the engine closes its
// descriptor, whatever duplicates there are: a kqueue's is the descriptor's.
const forgetsClosed = true

// watch has an engine's poll report what engineFD, of which fd is a duplicate,
// has to read.
func watch(poll, _, engineFD int) error { return change(poll, engineFD, unix.EV_ADD) }

// unwatch ends that.
func unwatch(poll, _, engineFD int) error { return change(poll, engineFD, unix.EV_DELETE) }

func change(poll, fd, flags int) error {
	var ev unix.Kevent_t
	unix.SetKevent(&ev, fd, unix.EVFILT_READ, flags)
	_, err := unix.Kevent(poll, []unix.Kevent_t{ev}, nil, nil)
	return err
}
