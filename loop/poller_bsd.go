//go:build (darwin || freebsd || netbsd || openbsd || dragonfly) && !valetportable

package loop

import (
	"fmt"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// pollBatch is how many events one system call may return.
const pollBatch = 256

// poller waits by kqueue. A wake is a byte in a pipe, which every BSD can poll
// (EVFILT_USER is not on all of them).
//
// A kernel event names its descriptor only, so keys are looked up when it is
// harvested. If the descriptor was closed and its number registered again in
// between, the new registration gets a spurious report, which the contract
// allows.
type poller struct {
	kq         int
	wakeR      *os.File
	wakeW      *os.File
	wakeFD     int // of wakeR
	events     [pollBatch]unix.Kevent_t
	until      time.Time
	mu         sync.Mutex // guards registered
	registered map[int]registration
}

// registration is what a descriptor was registered for.
type registration struct {
	key  key
	want Interest
}

func newPoller() (*poller, error) {
	kq, err := unix.Kqueue()
	if err != nil {
		return nil, fmt.Errorf("loop: kqueue: %w", err)
	}
	unix.CloseOnExec(kq)
	p := &poller{kq: kq, registered: map[int]registration{}}
	if p.wakeR, p.wakeW, err = os.Pipe(); err != nil {
		unix.Close(kq)
		return nil, fmt.Errorf("loop: %w", err)
	}
	raw, err := p.wakeR.SyscallConn()
	if err == nil {
		err = raw.Control(func(fd uintptr) { p.wakeFD = int(fd) })
	}
	if err == nil {
		err = p.change(p.wakeFD, unix.EVFILT_READ, unix.EV_ADD)
	}
	if err != nil {
		p.close()
		return nil, fmt.Errorf("loop: watch the waker: %w", err)
	}
	return p, nil
}

// change makes one change to the kernel's list.
func (p *poller) change(fd, filter, flags int) error {
	var ev [1]unix.Kevent_t
	unix.SetKevent(&ev[0], fd, filter, flags)
	_, err := unix.Kevent(p.kq, ev[:], nil, nil)
	return err
}

func (p *poller) add(fd int, want Interest, k key) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, twice := p.registered[fd]; twice {
		return unix.EEXIST
	}
	if err := p.setLocked(fd, 0, want); err != nil {
		_ = p.setLocked(fd, want, 0) // a filter that nobody knows would be reported for ever
		return err
	}
	p.registered[fd] = registration{k, want}
	return nil
}

func (p *poller) modify(fd int, want Interest, k key) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.setLocked(fd, p.registered[fd].want, want); err != nil {
		return err
	}
	p.registered[fd] = registration{k, want}
	return nil
}

func (p *poller) remove(fd int) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	was := p.registered[fd].want
	delete(p.registered, fd)
	return p.setLocked(fd, was, 0)
}

// setLocked moves the filters of fd from what was asked for to what is wanted.
// Adding a filter again replaces its flags.
func (p *poller) setLocked(fd int, was, want Interest) error {
	flags := unix.EV_ADD
	if want&Edge != 0 {
		flags |= unix.EV_CLEAR
	}
	for _, f := range []struct {
		bit    Interest
		filter int
	}{{Readable, unix.EVFILT_READ}, {Writable, unix.EVFILT_WRITE}} {
		switch {
		case want&f.bit != 0:
			if was&f.bit != 0 && (was^want)&Edge != 0 {
				// EV_CLEAR cannot be changed on a filter that is there.
				if err := p.change(fd, f.filter, unix.EV_DELETE); err != nil {
					return err
				}
			}
			if err := p.change(fd, f.filter, flags); err != nil {
				return err
			}
		case was&f.bit != 0:
			if err := p.change(fd, f.filter, unix.EV_DELETE); err != nil && err != unix.ENOENT {
				return err
			}
		}
	}
	return nil
}

func (p *poller) poll(into []event) []event { return p.harvest(into, &unix.Timespec{}) }

func (p *poller) arm(until time.Time) { p.until = until }

func (p *poller) wait(into []event) []event {
	if p.until.IsZero() {
		return p.harvest(into, nil)
	}
	ts := unix.NsecToTimespec(int64(min(max(time.Until(p.until), 0), longestWait)))
	return p.harvest(into, &ts)
}

// longestWait keeps clear of what the systems refuse with EINVAL: macOS more
// than some three years; the runtime's own poller has the same bound.
const longestWait = 1e6 * time.Second

func (p *poller) harvest(into []event, limit *unix.Timespec) []event {
	n, err := unix.Kevent(p.kq, nil, p.events[:], limit)
	switch {
	case err == unix.EINTR:
		return into
	case err != nil:
		panic("loop: waiting on kqueue: " + err.Error())
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range p.events[:n] {
		ev := &p.events[i]
		fd := int(ev.Ident)
		if fd == p.wakeFD {
			var buf [64]byte
			unix.Read(fd, buf[:])
			continue
		}
		if r, ok := p.registered[fd]; ok {
			into = append(into, event{r.key, readiness(ev)})
		}
	}
	return into
}

func readiness(ev *unix.Kevent_t) (r Readiness) {
	switch int(ev.Filter) {
	case unix.EVFILT_READ:
		r |= ReadReady
		if ev.Flags&unix.EV_EOF != 0 {
			r |= HangUp
		}
	case unix.EVFILT_WRITE:
		r |= WriteReady
	}
	if ev.Flags&unix.EV_ERROR != 0 || ev.Flags&unix.EV_EOF != 0 && ev.Fflags != 0 {
		r |= Failed
	}
	return r
}

// wake goes through the os.File, which may be closed meanwhile. The pipe never
// fills: there is one wake per sleep, and a wait takes up to 64 of them out.
func (p *poller) wake() { _, _ = p.wakeW.Write([]byte{0}) }

func (p *poller) close() error {
	p.wakeR.Close()
	p.wakeW.Close()
	return unix.Close(p.kq)
}
