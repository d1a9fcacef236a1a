//go:build linux || darwin || freebsd

package evioloop

import (
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/valet-go/valet/internal/frontend"
	"github.com/valet-go/valet/internal/idle"
)

// longAgo is a deadline that has passed.
var longAgo = time.Unix(1, 0)

// turn is how a loop of evio waits. Evio would wait in a system call, and the
// runtime's monitor, which takes the processor away from a goroutine that does,
// then looks for others every 20 µs: 19 % of a busy server's processor time.
// So a loop waits in a callback of its wake connection instead, until evio's poll
// has something to report, which the runtime's poller tells: by a read of a
// duplicate of the poll's descriptor, as in package loop. Then it sends itself a
// byte and returns to evio, whose wait is over at once, and whose next callbacks
// are those of the clients and, for the byte, this one again.
type turn struct {
	fd    int      // our end of the wake connection
	poll  int      // file's descriptor
	file  *os.File // a duplicate of evio's poll
	raw   syscall.RawConn
	ready bool                  // evio's poll has something to report
	probe func(fd uintptr) bool // looks; made once

	asleep atomic.Bool // wait will not look at posted before it is told
	posted atomic.Bool // somebody has called wake since the loop looked
}

// newTurn is for the loop whose poll is pollFD.
func newTurn(fd, pollFD int) (*turn, error) {
	own, err := unix.FcntlInt(uintptr(pollFD), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("evioloop: duplicate the descriptor of evio's poll: %w", err)
	}
	// os.NewFile hands only non-blocking descriptors to the runtime's poller. Evio
	// does not notice: waiting for events is not reading.
	if err := unix.SetNonblock(own, true); err != nil {
		unix.Close(own)
		return nil, fmt.Errorf("evioloop: make evio's poll non-blocking: %w", err)
	}
	t := &turn{fd: fd, poll: own, file: os.NewFile(uintptr(own), "evio's poll")}
	if t.raw, err = t.file.SyscallConn(); err == nil {
		err = t.file.SetReadDeadline(time.Time{})
	}
	if err != nil {
		t.file.Close()
		return nil, fmt.Errorf("evioloop: the runtime cannot poll evio's poll: %w", err)
	}
	t.probe = func(fd uintptr) bool {
		t.ready = pollReady(int(fd))
		return t.ready || t.posted.Load()
	}
	return t, nil
}

// pollReady reports whether evio's poll would report something.
func pollReady(fd int) bool {
	fds := [1]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
	n, err := unix.Poll(fds[:], 0)
	return n > 0 || err != nil && err != unix.EINTR
}

// wake ends a wait, or the next one. Any goroutine.
func (t *turn) wake() {
	t.posted.Store(true)
	if t.asleep.CompareAndSwap(true, false) {
		_ = t.file.SetReadDeadline(longAgo) // it fails once evio has ended
	}
}

// wait blocks until evio's poll has something to report, which it reports, or
// wake is called, or other goroutines have run, which may have led to either. On
// the loop.
func (t *turn) wait() (ready bool) {
	if idle.Yield() {
		t.sleep()
	} else {
		t.ready = pollReady(t.poll)
	}
	t.posted.Store(false)
	return t.ready
}

// sleep blocks until there is something to do. A wake before the announcement is
// seen by the probe, which runs first.
func (t *turn) sleep() {
	t.asleep.Store(true)
	err := t.raw.Read(t.probe)
	if t.asleep.Swap(false) && err == nil {
		return
	}
	// Somebody has moved the deadline, or is about to, and then the next sleep ends
	// at once. Once it has passed Read does not call probe: posts without end must
	// not keep evio from its clients.
	_ = t.file.SetReadDeadline(time.Time{})
	t.ready = pollReady(t.poll) || err != nil && !errors.Is(err, os.ErrDeadlineExceeded)
}

// next makes evio call the wake connection's callback in its next round.
func (t *turn) next() { _, _ = frontend.Send(t.fd, []byte{0}) }

func (t *turn) close() { t.file.Close() }
