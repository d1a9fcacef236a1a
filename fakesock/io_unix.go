//go:build (linux || darwin || freebsd || netbsd || openbsd || dragonfly) && !valetportable

package fakesock

import (
	"io"
	"net"
	"os"
	"runtime"

	"golang.org/x/sys/unix"

	"github.com/valet-go/valet/internal/sysio"
	"github.com/valet-go/valet/loop"
)

// yieldAfter is how many calls in a row may do without parking before
// one yields, so that a busy connection cannot keep the loop from its
// processor: some 200 µs.
const yieldAfter = 32

// read is Read without the wrapping of errors.
func (s *sock) read(p []byte) (int, error) {
	if !s.users.enter() {
		return 0, net.ErrClosed
	}
	if !s.r.mu.TryLock() && !s.r.lockSlow() { // lock, which is not inlined
		s.leave()
		return 0, loop.ErrWouldBlockLoop
	}
	n, err := s.readLocked(p)
	s.r.count(int64(n))
	s.r.mu.Unlock()
	s.leave()
	return n, err
}

func (s *sock) readLocked(p []byte) (int, error) {
	d := &s.r
	if len(p) == 0 {
		if stateOf(d.word.Load()) == closed {
			return 0, net.ErrClosed
		}
		return 0, nil
	}
	for {
		w := d.word.Load()
		if stateOf(w) == closed {
			return 0, net.ErrClosed
		}
		passed, t := d.expired()
		if passed {
			return 0, os.ErrDeadlineExceeded
		}
		if stateOf(w) != ready {
			out, n, err := d.park(opRead, w, p, t)
			switch {
			case out == again:
				continue
			case out == done && n == 0:
				return 0, io.EOF
			case out == done:
				return n, nil
			}
			return 0, wrapErrno("read", errorOf(out, err))
		}
		large := len(p) > sysio.Inline
		if large {
			d.layAside()
		}
		n, err := sysio.Recv(int(s.fd), p)
		if large {
			d.takeBack()
		}
		switch {
		case err == nil && n == 0:
			return 0, io.EOF
		case err == nil:
			if n < len(p) && !s.probe.Load() {
				d.drained(w)
			}
			d.yield()
			return n, nil
		case err == unix.EAGAIN:
			d.drained(w)
		case err != unix.EINTR:
			return 0, wrapErrno("read", err)
		}
	}
}

// readParked completes a claimed read with what the socket has. On the loop.
func (s *sock) readParked() {
	d := &s.r
	if d.op.buf == nil {
		d.complete(again, ready)
		return
	}
	p := d.op.buf[:min(len(d.op.buf), sysio.Inline)]
	for {
		w := d.word.Load()
		n, err := sysio.Recv(int(s.fd), p)
		switch {
		case err == nil:
			d.op.n = n
			if 0 < n && n < len(p) && !s.probe.Load() {
				d.complete(done, idle)
			} else {
				d.complete(done, ready)
			}
			return
		case err == unix.EAGAIN:
			d.release(w)
			return
		case err != unix.EINTR:
			d.op.errno = err
			d.complete(failed, ready)
			return
		}
	}
}

// write is Write without the wrapping of errors.
func (s *sock) write(p []byte) (int, error) {
	if !s.users.enter() {
		return 0, net.ErrClosed
	}
	if !s.w.mu.TryLock() && !s.w.lockSlow() {
		s.leave()
		return 0, loop.ErrWouldBlockLoop
	}
	n, err := s.writeLocked(p)
	s.w.count(int64(n))
	s.w.mu.Unlock()
	s.leave()
	return n, err
}

func (s *sock) writeLocked(p []byte) (sent int, err error) {
	d := &s.w
	for {
		w := d.word.Load()
		if stateOf(w) == closed {
			return sent, net.ErrClosed
		}
		passed, t := d.expired()
		if passed {
			return sent, os.ErrDeadlineExceeded
		}
		if stateOf(w) != ready && len(p) > 0 { // nothing to send needs no room, but may fail
			out, n, err := d.park(opWrite, w, p[sent:], t)
			sent += n
			switch out {
			case again:
				continue
			case done:
				return sent, nil
			}
			return sent, wrapErrno("write", errorOf(out, err))
		}
		large := len(p)-sent > sysio.Inline
		if large {
			d.layAside()
		}
		n, err := sysio.Send(int(s.fd), p[sent:])
		if large {
			d.takeBack()
		}
		switch {
		case err == nil:
			if sent += n; sent == len(p) {
				d.yield()
				return sent, nil
			}
		case err == unix.EAGAIN && len(p) > 0:
			d.drained(w)
		case err == unix.EAGAIN:
			return 0, nil
		case err != unix.EINTR:
			return sent, wrapErrno("write", err)
		}
	}
}

// writeParked sends the rest of a claimed write if it is short, and otherwise
// makes its caller send it. On the loop.
func (s *sock) writeParked() {
	d := &s.w
	for {
		if len(d.op.buf) == 0 || len(d.op.buf) > sysio.Inline {
			d.complete(again, ready)
			return
		}
		w := d.word.Load()
		n, err := sysio.Send(int(s.fd), d.op.buf)
		switch {
		case err == nil:
			d.op.n += n
			if d.op.buf = d.op.buf[n:]; len(d.op.buf) == 0 {
				d.complete(done, ready)
				return
			}
		case err == unix.EAGAIN:
			d.release(w)
			return
		case err != unix.EINTR:
			d.op.errno = err
			d.complete(failed, ready)
			return
		}
	}
}

// yield lets the loop run now and then when nothing ever parks.
func (d *direction) yield() {
	if d.fast++; d.fast >= yieldAfter {
		d.fast = 0
		runtime.Gosched()
	}
}
