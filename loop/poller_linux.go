//go:build !valetportable

package loop

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// pollBatch is how many events one system call may return.
const pollBatch = 256

// longAgo is a deadline that has passed.
var longAgo = time.Unix(1, 0)

// poller waits by epoll. Its epoll descriptor is registered, as a file, with
// the runtime's own poller: waiting is a read on that file, and a wake is a
// read deadline in the past, which takes no system call.
type poller struct {
	epfd   int
	file   *os.File
	raw    syscall.RawConn
	events [pollBatch]unix.EpollEvent
	n      int                   // events found by the last probe
	probe  func(fd uintptr) bool // made once: a closure per wait would be garbage

	armed time.Time // the deadline set on file, while known
	stale bool      // a wake may have changed it
}

func newPoller() (*poller, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("loop: epoll_create1: %w", err)
	}
	// os.NewFile hands only non-blocking descriptors to the runtime's poller.
	if err := unix.SetNonblock(fd, true); err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("loop: make epoll non-blocking: %w", err)
	}
	p := &poller{epfd: fd, file: os.NewFile(uintptr(fd), "epoll")}
	if err := p.file.SetReadDeadline(time.Time{}); err != nil {
		p.file.Close()
		return nil, fmt.Errorf("loop: the runtime cannot poll an epoll descriptor: %w", err)
	}
	if p.raw, err = p.file.SyscallConn(); err != nil {
		p.file.Close()
		return nil, fmt.Errorf("loop: %w", err)
	}
	p.probe = func(uintptr) bool { return p.look() > 0 }
	return p, nil
}

func (p *poller) add(fd int, want Interest, k key) error {
	ev := epollEvent(want, k)
	return unix.EpollCtl(p.epfd, unix.EPOLL_CTL_ADD, fd, &ev)
}

func (p *poller) modify(fd int, want Interest, k key) error {
	ev := epollEvent(want, k)
	return unix.EpollCtl(p.epfd, unix.EPOLL_CTL_MOD, fd, &ev)
}

func (p *poller) remove(fd int) error {
	return unix.EpollCtl(p.epfd, unix.EPOLL_CTL_DEL, fd, &unix.EpollEvent{})
}

func epollEvent(want Interest, k key) unix.EpollEvent {
	var bits uint32
	if want&Readable != 0 {
		bits |= unix.EPOLLIN | unix.EPOLLRDHUP | unix.EPOLLPRI
	}
	if want&Writable != 0 {
		bits |= unix.EPOLLOUT
	}
	if want&Edge != 0 {
		bits |= unix.EPOLLET
	}
	return unix.EpollEvent{Events: bits, Fd: int32(k.slot), Pad: int32(k.gen)}
}

func readiness(bits uint32) (r Readiness) {
	if bits&unix.EPOLLIN != 0 {
		r |= ReadReady
	}
	if bits&unix.EPOLLOUT != 0 {
		r |= WriteReady
	}
	if bits&(unix.EPOLLRDHUP|unix.EPOLLHUP) != 0 {
		r |= HangUp
	}
	if bits&unix.EPOLLHUP != 0 {
		r |= WriteReady // both directions are down: a write fails at once
	}
	if bits&unix.EPOLLERR != 0 {
		r |= Failed
	}
	if bits&unix.EPOLLPRI != 0 {
		r |= Urgent
	}
	return r
}

// look asks for events without waiting. The call never blocks, so it is made
// raw: the scheduler need not hear of it.
func (p *poller) look() int {
	n, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(p.epfd),
		uintptr(unsafe.Pointer(&p.events[0])), pollBatch, 0, 0, 0)
	if errno != 0 { // EINTR; anything else is a bug, which a later wait shows
		n = 0
	}
	p.n = int(n)
	return p.n
}

func (p *poller) found(into []event) []event {
	for i := range p.events[:p.n] {
		e := &p.events[i]
		into = append(into, event{key{uint32(e.Fd), uint32(e.Pad)}, readiness(e.Events)})
	}
	p.n = 0
	return into
}

func (p *poller) poll(into []event) []event {
	p.look()
	return p.found(into)
}

func (p *poller) arm(until time.Time) {
	if p.stale || !p.armed.Equal(until) {
		// A wake that comes before this belongs to a post that the loop has
		// seen, or sees before it waits.
		_ = p.file.SetReadDeadline(until)
		p.armed, p.stale = until, false
	}
}

func (p *poller) wait(into []event) []event {
	p.n = 0
	// Only polls: events are dispatched after Read has returned, because
	// closing the file from inside its own callback would deadlock.
	if err := p.raw.Read(p.probe); err != nil {
		p.stale = true
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			panic("loop: waiting on epoll: " + err.Error())
		}
		// Given a deadline that has passed, Read does not call probe: a timer
		// that is always due must not keep descriptors from being looked at.
		if !p.armed.IsZero() && !time.Now().Before(p.armed) {
			p.look()
		}
	}
	return p.found(into)
}

func (p *poller) wake() { _ = p.file.SetReadDeadline(longAgo) }

func (p *poller) close() error { return p.file.Close() }
