//go:build (linux || darwin || freebsd || netbsd || openbsd || dragonfly) && !valetportable

package fakesock

import (
	"net"
	"os"
	"runtime"
	"syscall"

	"github.com/valet-go/valet/loop"
)

// SyscallConn gives access to the descriptor, as [net.TCPConn.SyscallConn].
// Drivers use it to look whether an idle connection still stands. The
// functions passed to its methods get a non-blocking descriptor and must not
// close it; those of Read and Write run on the calling goroutine, again after
// each event until they return true.
func (c *Conn) SyscallConn() (syscall.RawConn, error) {
	return rawConn{c}, nil
}

// Quiet reports that nothing has come which Read has not taken, neither bytes nor
// the end of the connection nor an error, as far as the loop has been told. So a
// driver that looks at each idle connection before it is used can do without a
// system call. If it is false there may be something, or, as on unix sockets and
// on other systems than Linux, or while somebody reads, nobody knows without a
// look. Any goroutine; does not block.
func (c *Conn) Quiet() bool {
	s := c.s
	if s.probe.Load() || s.orphaned.Load() || !s.r.mu.TryLock() {
		return false
	}
	defer s.r.mu.Unlock()
	return stateOf(s.r.word.Load()) == idle
}

type rawConn struct{ c *Conn }

func (r rawConn) Control(f func(fd uintptr)) error {
	defer runtime.KeepAlive(r.c)
	return r.c.s.control(f)
}

func (s *sock) control(f func(fd uintptr)) error {
	if err := s.with("", func(fd int) error {
		defer func() { // f may panic
			// What it did is unknown, so nothing is known of readiness.
			s.r.relatch()
			s.w.relatch()
		}()
		f(uintptr(fd))
		return nil
	}); err != nil {
		return s.ownError("raw-control", err)
	}
	return nil
}

func (r rawConn) Read(f func(fd uintptr) bool) error { return r.wait(opRawRead, &r.c.s.r, f) }

func (r rawConn) Write(f func(fd uintptr) bool) error { return r.wait(opRawWrite, &r.c.s.w, f) }

// wait calls f until it returns true, and parks in between.
func (r rawConn) wait(kind opKind, d *direction, f func(fd uintptr) bool) error {
	s := r.c.s
	err := net.ErrClosed
	if s.users.enter() {
		err = s.rawWait(kind, d, f)
	}
	if err != nil {
		err = s.opError(opNames[kind], err)
	}
	runtime.KeepAlive(r.c)
	return err
}

func (s *sock) rawWait(kind opKind, d *direction, f func(fd uintptr) bool) error {
	if !d.lock() {
		s.leave()
		return loop.ErrWouldBlockLoop
	}
	d.layAside()
	latched := false // what was latched may still be there
	defer func() {   // f may panic
		if latched {
			d.relatch()
		}
		d.takeBack()
		d.mu.Unlock()
		s.leave()
	}()
	for {
		w := d.word.Load()
		passed, t := d.expired()
		switch {
		case stateOf(w) == closed:
			return net.ErrClosed
		case passed:
			return os.ErrDeadlineExceeded
		}
		// The latch is cleared before f looks, so that an event that comes
		// after its look is not lost, and set again in the end: only a wait
		// proves that there was nothing.
		if latched = stateOf(w) == ready; latched {
			d.drained(w)
			w = withState(w, idle)
		}
		if f(uintptr(s.fd)) {
			return nil
		}
		d.takeBack()
		out, _, err := d.park(kind, w, nil, t)
		d.layAside()
		if out != again {
			return errorOf(out, err)
		}
	}
}

// relatch makes the next operation look at the socket.
func (d *direction) relatch() {
	for {
		w := d.word.Load()
		if stateOf(w) != idle || d.word.CompareAndSwap(w, withState(w, ready)) {
			return
		}
	}
}
