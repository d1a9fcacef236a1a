//go:build (linux || darwin || freebsd || netbsd || openbsd || dragonfly) && !valetportable

package fakesock

import (
	"net"
	"os"
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/valet-go/valet/internal/owner"
	"github.com/valet-go/valet/loop"
)

// sock is what a Conn and the loop share. The loop's table refers to it and
// not to the Conn, so that a Conn nobody holds becomes garbage.
type sock struct {
	r, w         direction
	users        users
	fd           int
	handle       *loop.Handle
	network      string
	laddr, raddr net.Addr
}

// newSock takes fd over: on failure it is closed.
func newSock(l *loop.Loop, fd int, network string, laddr, raddr net.Addr) (*sock, error) {
	s := &sock{fd: fd, network: network, laddr: laddr, raddr: raddr}
	s.r.word.Store(ready)
	s.w.word.Store(ready)
	// The end of a message ends a read early on a unix socket; what follows
	// it causes no further event.
	s.r.probe.Store(network == "unix")
	// Events may come before AddHandler returns. They use all of s but handle.
	h, err := l.AddHandler(fd, loop.Readable|loop.Writable|loop.Edge, s.onReady)
	if err != nil {
		unix.Close(fd)
		return nil, err
	}
	s.handle = h
	return s, nil
}

// onReady completes what is parked. On the loop.
func (s *sock) onReady(r loop.Readiness) {
	if r&loop.LoopClosed != 0 {
		s.r.orphan()
		s.w.orphan()
		return
	}
	if r&(loop.HangUp|loop.Failed|loop.Urgent) != 0 {
		s.r.probe.Store(true)
	}
	if (r.Readable() || r&loop.Urgent != 0) && s.r.event() {
		s.readParked()
	}
	if r.Writable() && s.w.event() {
		s.writeParked()
	}
}

// park waits until the operation is completed, and says how. The caller holds
// d.mu and has seen the word w, whose state is idle.
func (d *direction) park(w uint32, buf []byte) (out outcome, n int, err error) {
	if owner.Here() {
		return failed, 0, loop.ErrWouldBlockLoop
	}
	if d.wake == nil {
		d.wake = make(chan struct{}, 1)
	}
	d.op = op{buf: buf}
	if !d.word.CompareAndSwap(w, withState(w, parked)) {
		d.op = op{}
		return again, 0, nil
	}
	d.fast = 0
	d.recheck() // things may have changed before we could be seen to be parked
	<-d.wake
	out, n, err = d.op.out, d.op.n, d.op.errno
	d.op = op{}
	return out, n, err
}

// errorOf is the error of an outcome; errno is that of failed.
func errorOf(out outcome, errno error) error {
	switch out {
	case timedOut:
		return os.ErrDeadlineExceeded
	case shut:
		return net.ErrClosed
	case loopless:
		return loop.ErrClosed
	}
	return errno
}

// opError wraps an error of an operation as package net does.
func (s *sock) opError(op string, err error) error {
	return &net.OpError{Op: op, Net: s.network, Source: s.laddr, Addr: s.raddr, Err: err}
}

// close is Close, and what is done for a Conn that became garbage. It reports
// whether the socket was open.
func (s *sock) close() bool {
	first, last := s.users.close()
	if !first {
		return false
	}
	// A registration follows the open file description, which duplicates
	// share: it must go before the descriptor.
	_ = s.handle.Remove()
	s.r.close()
	s.w.close()
	if last {
		unix.Close(s.fd)
	}
	return true
}

func (s *sock) leave() {
	if s.users.leave() {
		unix.Close(s.fd)
	}
}

// users is the life of a descriptor: it is closed when it has been asked to be
// and the last user has left, so its number is never used for another's.
//
//	from        to          who and when
//	n           n+1         enter
//	n           n-1         leave
//	n           n|gone      close; for n = 0 it closes the descriptor
//	n|gone      (n-1)|gone  leave; the last one closes the descriptor
type users struct{ word atomic.Uint64 }

const gone = 1 << 63

func (u *users) enter() bool {
	for {
		n := u.word.Load()
		if n&gone != 0 {
			return false
		}
		if u.word.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

func (u *users) leave() (last bool) { return u.word.Add(^uint64(0)) == gone }

func (u *users) close() (first, last bool) {
	for {
		n := u.word.Load()
		if n&gone != 0 {
			return false, false
		}
		if u.word.CompareAndSwap(n, n|gone) {
			return true, n == 0
		}
	}
}

// wrapErrno gives an errno the shape that package net gives it.
func wrapErrno(call string, err error) error {
	if errno, ok := err.(syscall.Errno); ok {
		return os.NewSyscallError(call, errno)
	}
	return err
}
