package evioloop

import "golang.org/x/sys/unix"

// adopt replaces evio's registration, which is that of descriptor evioFD, with
// one of the duplicate that says it were evioFD. An epoll registration lives
// until its description is closed, which may be long after evio has closed
// evioFD, and can be ended only by way of the descriptor that it was made
// with. It reports whether it did.
func adopt(pollFD, evioFD, dup int) bool {
	ev := unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(evioFD)}
	if unix.EpollCtl(pollFD, unix.EPOLL_CTL_ADD, dup, &ev) != nil {
		return false
	}
	if unix.EpollCtl(pollFD, unix.EPOLL_CTL_DEL, evioFD, nil) != nil {
		disown(pollFD, dup)
		return false
	}
	return true
}

// disown ends the registration that adopt made.
func disown(pollFD, dup int) {
	// It fails only for what is not registered.
	_ = unix.EpollCtl(pollFD, unix.EPOLL_CTL_DEL, dup, nil)
}
