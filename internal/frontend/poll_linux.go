package frontend

import "golang.org/x/sys/unix"

// forgetsClosed tells whether a registration ends when the engine closes its
// descriptor, whatever duplicates there are.
const forgetsClosed = false

// watch registers fd with an engine's poll, which will say that it were
// engineFD. An epoll registration lives until its description is closed, which
// may be long after engineFD was, and can be ended only by way of the
// descriptor that it was made with.
func watch(poll, fd, engineFD int) error {
	return unix.EpollCtl(poll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(engineFD)})
}

// unwatch ends the registration that was made with fd.
func unwatch(poll, fd, _ int) error {
	return unix.EpollCtl(poll, unix.EPOLL_CTL_DEL, fd, nil)
}
