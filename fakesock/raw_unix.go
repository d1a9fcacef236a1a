//go:build (linux || darwin || freebsd || netbsd || openbsd || dragonfly) && !valetportable

package fakesock

import (
	"net"
	"os"
	"runtime"
	"syscall"
)

// SyscallConn gives access to the descriptor, as [net.TCPConn.SyscallConn].
// Drivers use it to look whether an idle connection still stands. The
// functions passed to its methods get a non-blocking descriptor and must not
// close it; those of Read and Write run on the calling goroutine, again after
// each event until they return true.
func (c *Conn) SyscallConn() (syscall.RawConn, error) {
	defer runtime.KeepAlive(c)
	if !c.s.users.enter() {
		return nil, c.s.opError("raw-control", net.ErrClosed)
	}
	c.s.leave()
	return rawConn{c}, nil
}

type rawConn struct{ c *Conn }

func (r rawConn) Control(f func(fd uintptr)) error {
	s := r.c.s
	return r.c.with("raw-control", "raw-control", func(fd int) error {
		f(uintptr(fd))
		// What it did is unknown, so nothing is known of readiness.
		s.r.relatch()
		s.w.relatch()
		return nil
	})
}

func (r rawConn) Read(f func(fd uintptr) bool) error { return r.wait("raw-read", &r.c.s.r, f) }

func (r rawConn) Write(f func(fd uintptr) bool) error { return r.wait("raw-write", &r.c.s.w, f) }

// wait calls f until it returns true, and parks in between.
func (r rawConn) wait(op string, d *direction, f func(fd uintptr) bool) error {
	defer runtime.KeepAlive(r.c)
	s := r.c.s
	if !s.users.enter() {
		return s.opError(op, net.ErrClosed)
	}
	defer s.leave()
	d.mu.Lock()
	defer d.mu.Unlock()
	for {
		w := d.word.Load()
		switch {
		case stateOf(w) == closed:
			return s.opError(op, net.ErrClosed)
		case d.expired():
			return s.opError(op, os.ErrDeadlineExceeded)
		}
		// The latch is cleared before f looks, so that an event that comes
		// after its look is not lost. If f did not want to wait, what was
		// latched may still be there.
		wasReady := stateOf(w) == ready
		if wasReady {
			d.drained(w)
			w = withState(w, idle)
		}
		if f(uintptr(s.fd)) {
			if wasReady {
				d.relatch()
			}
			return nil
		}
		if out, _, err := d.park(w, nil); out != again {
			return s.opError(op, errorOf(out, err))
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
