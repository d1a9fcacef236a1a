//go:build (linux || darwin || freebsd || netbsd || openbsd || dragonfly) && !valetportable

package fakesock

import (
	"net"
	"os"
	"runtime"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/valet-go/valet/internal/gid"
	"github.com/valet-go/valet/internal/owner"
	"github.com/valet-go/valet/loop"
)

// sock is what a Conn and the loop share. The loop's table refers to it and
// not to the Conn, so that a Conn nobody holds becomes garbage.
type sock struct {
	r, w   direction
	users  users
	fd     int32
	handle *loop.Handle
	alarm  alarm

	// probe says that a short read proves nothing: on unix sockets, and once
	// a hang-up, an error or urgent data has been reported.
	probe    atomic.Bool
	orphaned atomic.Bool // the loop was closed
	network  network
	listens  bool        // it is a Listener's
	unlink   atomic.Bool // close removes the file of a Listener's socket
	addrs    addresses
	link
}

// newSock takes fd over: on failure it is closed. A listening socket is one
// that is not to be writable, and has no raddr.
func newSock(l *loop.Loop, fd int, want loop.Interest, network network, laddr, raddr net.Addr) (*sock, error) {
	s := &sock{fd: int32(fd), network: network, listens: want&loop.Writable == 0}
	s.addrs.set(laddr, raddr)
	s.r.s, s.w.s = s, s
	s.r.word.Store(ready)
	s.w.word.Store(ready)
	// The end of a message ends a read early on a unix socket; what follows
	// it causes no further event. kqueue tells nothing of urgent data, which
	// ends a read early on TCP.
	s.probe.Store(network == netUnix || runtime.GOOS != "linux")
	s.enlist(l)
	// Events may come before AddHandler returns. They use all of s but handle.
	h, err := l.AddHandler(fd, want|loop.Edge, s.onReady)
	if err != nil {
		s.strike()
		unix.Close(fd)
		return nil, err
	}
	s.handle = h
	return s, nil
}

// onReady completes what is parked. On the loop.
func (s *sock) onReady(r loop.Readiness) {
	if r&loop.LoopClosed != 0 {
		s.orphaned.Store(true)
		s.strike()
		s.r.recheck()
		s.w.recheck()
		return
	}
	if r&(loop.HangUp|loop.Failed|loop.Urgent) != 0 {
		s.probe.Store(true)
	}
	if (r.Readable() || r&loop.Urgent != 0) && s.r.event() {
		s.readParked()
	}
	if r.Writable() && s.w.event() {
		s.writeParked()
	}
}

// lock takes d.mu. It reports false, and has not taken it, where the caller must
// not wait and somebody else's operation does.
func (d *direction) lock() bool { return d.mu.TryLock() || d.lockSlow() }

// lockFor is how long a goroutine that must not park yields to what takes its
// time: a large transfer, or a raw user's function, which may wait for anything.
// Whatever else is under way ends or parks as soon as it has a processor.
const lockFor = 10 * time.Millisecond

func (d *direction) lockSlow() bool {
	if !owner.Here() {
		d.mu.Lock()
		return true
	}
	for start := now(); !d.mu.TryLock(); runtime.Gosched() {
		if stateOf(d.word.Load()) == parked || d.books.Load() != held && now()-start > int64(lockFor) {
			return false
		}
	}
	return true
}

// park waits until the operation is completed, and says how. The caller holds
// d.mu and has seen the word w, whose state is idle; t is the time, if the
// caller has read the clock just now, or 0.
func (d *direction) park(kind opKind, w uint32, buf []byte, t int64) (out outcome, n int, err error) {
	if owner.Here() {
		return failed, 0, loop.ErrWouldBlockLoop
	}
	if t == 0 {
		t = now()
	}
	o := ops.Get().(*op)
	o.buf, o.waiter = buf, waiter{kind, t, gid.Current()}
	d.op, d.fast = o, 0
	d.parks++
	if d.word.CompareAndSwap(w, withState(w, parked)) {
		d.recheckAt(t) // things may have changed before we could be seen to be parked
		<-o.wake
		d.parkedFor += now() - t
	} else {
		d.parks--
	}
	out, n, err = o.out, o.n, o.errno
	d.op = nil
	*o = op{wake: o.wake}
	ops.Put(o)
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

func (s *sock) ends() (local, remote net.Addr) {
	a := s.addrs.get()
	return a.local, a.remote
}

// opError wraps an error of an operation as package net does.
func (s *sock) opError(op string, err error) error {
	a := s.addrs.get()
	if s.listens {
		return s.ownError(op, err)
	}
	return &net.OpError{Op: op, Net: s.network.String(), Source: a.local, Addr: a.remote, Err: err}
}

// ownError is opError with the own address only, which is how package net wraps
// the errors of listeners, of some options and of raw-control.
func (s *sock) ownError(op string, err error) error {
	return &net.OpError{Op: op, Net: s.network.String(), Addr: s.addrs.get().local, Err: err}
}

// close is Close, and what is done for a Conn that became garbage. It reports
// whether the socket was open.
func (s *sock) close() bool {
	if !s.users.close() {
		return false
	}
	if s.unlink.Load() { // while we listen, so that it cannot be another's
		s.removeFile()
	}
	s.shutDown()
	return true
}

func (s *sock) removeFile() {
	if path := s.addrs.get().local.String(); path != "" && path[0] != '@' {
		_ = unix.Unlink(path)
	}
}

// shutDown does what is left to do after users.close, whose caller is a user
// until then: the descriptor must not become another's before its registration
// is removed, which goes by the number.
func (s *sock) shutDown() {
	// A registration follows the open file description, which duplicates
	// share: it must go before the descriptor.
	_ = s.handle.Remove()
	s.strike()
	s.r.close()
	s.w.close()
	s.alarm.stop()
	s.leave()
}

func (s *sock) leave() {
	if s.users.leave() {
		unix.Close(int(s.fd))
	}
}

// users is the life of a descriptor: it is closed when it has been asked to be
// and the last user has left, so its number is never used for another's.
//
//	from        to          who and when
//	n           n+1         enter
//	n           n-1         leave
//	n           (n+1)|gone  close, which then leaves like the others
//	n|gone      (n-1)|gone  leave; the last one closes the descriptor
type users struct{ word atomic.Uint32 }

const gone = 1 << 31

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

func (u *users) leave() (last bool) { return u.word.Add(^uint32(0)) == gone }

// close refuses further users, and reports whether it is the first to do so.
// Then its caller is a user, who has to leave.
func (u *users) close() (first bool) {
	for {
		n := u.word.Load()
		if n&gone != 0 {
			return false
		}
		if u.word.CompareAndSwap(n, (n+1)|gone) {
			return true
		}
	}
}

func (u *users) closed() bool { return u.word.Load()&gone != 0 }

// wrapErrno gives an errno the shape that package net gives it.
func wrapErrno(call string, err error) error {
	if errno, ok := err.(syscall.Errno); ok {
		return os.NewSyscallError(call, errno)
	}
	return err
}
