//go:build (linux || darwin || freebsd || netbsd || openbsd || dragonfly) && !valetportable

package fakesock

import (
	"io"
	"net"
	"os"
	"runtime"

	"golang.org/x/sys/unix"

	"github.com/valet-go/valet/internal/sysio"
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
	defer s.leave()
	d := &s.r
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(p) == 0 {
		if stateOf(d.word.Load()) == closed {
			return 0, net.ErrClosed
		}
		return 0, nil
	}
	for {
		w := d.word.Load()
		switch {
		case stateOf(w) == closed:
			return 0, net.ErrClosed
		case d.expired():
			return 0, os.ErrDeadlineExceeded
		case stateOf(w) == ready:
			n, err := sysio.Recv(int(s.fd), p)
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
		default:
			out, n, err := d.park(w, p)
			switch {
			case out == again:
			case out == done && n == 0:
				return 0, io.EOF
			case out == done:
				return n, nil
			default:
				return 0, wrapErrno("read", errorOf(out, err))
			}
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
			if d.unclaim(w) {
				d.recheck() // others may have found the claim
			}
			return
		case err != unix.EINTR:
			d.op.errno = err
			d.complete(failed, ready)
			return
		}
	}
}

// write is Write without the wrapping of errors.
func (s *sock) write(p []byte) (sent int, err error) {
	if !s.users.enter() {
		return 0, net.ErrClosed
	}
	defer s.leave()
	d := &s.w
	d.mu.Lock()
	defer d.mu.Unlock()
	for {
		w := d.word.Load()
		switch {
		case stateOf(w) == closed:
			return sent, net.ErrClosed
		case d.expired():
			return sent, os.ErrDeadlineExceeded
		case stateOf(w) == ready || len(p) == 0: // nothing to send needs no room, but may fail
			n, err := sysio.Send(int(s.fd), p[sent:])
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
		default:
			out, n, err := d.park(w, p[sent:])
			sent += n
			switch out {
			case again:
			case done:
				return sent, nil
			default:
				return sent, wrapErrno("write", errorOf(out, err))
			}
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
			if d.unclaim(w) {
				d.recheck()
			}
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
