package loop

import (
	"bytes"
	"errors"
	"io"
	"os"
	"time"
)

// ErrTooLong is reported by [Stream.ReadUntil] when the delimiter does not come
// within the limit. The bytes are kept for the next read.
var ErrTooLong = errors.New("loop: the delimiter did not come within the limit")

// States of reading.
//
//	from    to      who and when
//	quiet   wanted  ReadBytes, ReadUntil, ReadSome
//	wanted  quiet   a turn, before it runs the callback: there are enough bytes,
//	                or end is set; ErrTooLong; the timeout. Not while paused,
//	                unless the stream has ended
//
// Beside the state stands end, why no more bytes will come:
//
//	from    to      who and when
//	nil     io.EOF  a turn: the end of the file was received
//	nil     error   the stream ended
//	io.EOF  error   Close, which also drops what is buffered
//
// What is buffered when end is set can still be read. A second read while one
// is wanted is a mistake of the program's, and panics.
const (
	quiet  readState = iota // no read is pending
	wanted                  // one is
)

type readState uint8

// readKind says when a read has enough.
type readKind uint8

const (
	some    readKind = iota // one byte
	exactly                 // n bytes
	until                   // delim, within n bytes
)

// reading is a stream's receiving half.
type reading struct {
	in      *input // nil: there are no bytes
	ready   bool   // the socket may have something; only it can tell otherwise
	paused  bool
	told    bool // a callback has been given io.EOF
	expired bool // the timeout has passed for the pending read
	state   readState
	kind    readKind // of the pending read
	end     error
	timeout timeout

	// The rest of the pending read.
	n       int
	delim   []byte
	scanned int // bytes of in known not to contain the end of delim
	cb      func([]byte, error)
}

// ReadBytes calls cb with exactly n bytes. The slice is valid until cb returns.
// If the peer's end of file comes earlier, cb gets [io.ErrUnexpectedEOF], and
// the bytes that did come are left for ReadSome; if none did, [io.EOF]. Other
// errors: [os.ErrDeadlineExceeded], see SetReadTimeout; [net.ErrClosed] after
// Close; [ErrClosed] when the loop was closed; otherwise a [*net.OpError].
//
// On the loop; does not block. It panics while another read is pending.
func (s *Stream) ReadBytes(n int, cb func([]byte, error)) {
	if n < 0 {
		panic("loop: Stream.ReadBytes needs a number that is not negative")
	}
	s.read("Stream.ReadBytes", exactly, n, nil, cb)
}

// ReadUntil calls cb with everything up to and including delim, which must not
// be longer than limit bytes; otherwise cb gets [ErrTooLong], and nothing is
// consumed. delim must not be empty, nor changed while the read is pending.
// Otherwise it is like ReadBytes.
func (s *Stream) ReadUntil(delim []byte, limit int, cb func([]byte, error)) {
	if len(delim) == 0 || limit <= 0 {
		panic("loop: Stream.ReadUntil needs a delimiter and a limit")
	}
	s.read("Stream.ReadUntil", until, limit, delim, cb)
}

// ReadSome calls cb with the bytes that are there, one at least. Otherwise it
// is like ReadBytes.
func (s *Stream) ReadSome(cb func([]byte, error)) {
	s.read("Stream.ReadSome", some, 1, nil, cb)
}

func (s *Stream) read(what string, kind readKind, n int, delim []byte, cb func([]byte, error)) {
	s.l.mustOwn(what)
	r := &s.r
	switch {
	case cb == nil:
		panic("loop: " + what + " needs a function, not nil")
	case r.state == wanted:
		panic("loop: " + what + " while another read is pending")
	case s.l.streams.down:
		return
	}
	r.state, r.kind, r.n, r.delim, r.scanned, r.cb = wanted, kind, n, delim, 0, cb
	if !r.paused && !s.ended {
		r.timeout.start(s, (*Stream).readTimeout)
	}
	if r.ready || r.end != nil || len(r.in.bytes()) > 0 || n == 0 {
		s.schedule()
	}
}

// Pause stops reading: nothing more is received, so that the peer is held up
// before long, and no read is completed, unless the stream ends. The read
// timeout stands still. Where this package cannot poll, up to 16 KiB may
// already be on their way. On the loop; does not block.
func (s *Stream) Pause() {
	s.l.mustOwn("Stream.Pause")
	s.r.paused, s.r.expired = true, false
	s.r.timeout.rest()
}

// Resume ends a Pause; the timeout of a pending read begins anew. On the loop;
// does not block.
func (s *Stream) Resume() {
	s.l.mustOwn("Stream.Resume")
	if !s.r.paused {
		return
	}
	s.r.paused = false
	if s.r.state == wanted {
		if !s.ended {
			s.r.timeout.start(s, (*Stream).readTimeout)
		}
		s.schedule()
	}
}

// SetReadTimeout limits how long a read may be pending, from now on and for the
// one that is pending: after d its callback gets [os.ErrDeadlineExceeded]. The
// stream goes on, and what was received is kept for the next read. Zero or
// less, as at first, means no limit. On the loop; does not block.
func (s *Stream) SetReadTimeout(d time.Duration) {
	s.l.mustOwn("Stream.SetReadTimeout")
	waiting := s.r.state == wanted && !s.r.paused && !s.ended
	s.r.expired = false
	s.r.timeout.set(s, d, waiting, (*Stream).readTimeout)
}

// readTimeout is the timer's callback.
func (s *Stream) readTimeout() {
	r := &s.r
	if r.state == wanted && !r.paused && r.timeout.over() {
		// An event may be on its way: look before the read is given up.
		r.expired, r.ready = true, true
		s.serve()
	}
}

// readStep runs the callback of the pending read if that can be completed.
func (s *Stream) readStep() bool {
	r := &s.r
	if r.state != wanted || r.paused && !s.ended {
		return false
	}
	for {
		if n, err, ok := r.match(); ok {
			s.completeRead(n, err)
			return true
		}
		if !s.fill() {
			break
		}
	}
	if r.expired {
		s.completeRead(0, os.ErrDeadlineExceeded)
		return true
	}
	r.in.keep(&s.l.streams.chunks)
	return false
}

func (s *Stream) completeRead(n int, err error) {
	r := &s.r
	cb := r.cb
	r.state, r.cb, r.delim, r.expired = quiet, nil, nil, false
	r.timeout.rest()
	var p []byte
	if err == nil {
		p = r.in.take(n)
	}
	r.in.keep(&s.l.streams.chunks)
	if err == io.EOF {
		r.told = true
		s.finish()
	}
	cb(p, err)
}

// match reports whether the pending read can be completed with what is
// buffered, and with how many bytes or which error.
func (r *reading) match() (n int, err error, ok bool) {
	data := r.in.bytes()
	have := len(data)
	switch r.kind {
	case some, exactly:
		// Once the stream has failed, a read of no bytes fails as well.
		if have >= r.n && (have > 0 || r.end == nil || r.end == io.EOF) {
			if r.kind == some {
				return have, nil, true
			}
			return r.n, nil, true
		}
	case until:
		from := max(r.scanned-len(r.delim)+1, 0)
		if i := bytes.Index(data[from:min(have, r.n)], r.delim); i >= 0 {
			return from + i + len(r.delim), nil, true
		}
		if have >= r.n {
			return 0, ErrTooLong, true
		}
		r.scanned = have
	}
	switch {
	case r.end == io.EOF && have > 0:
		return 0, io.ErrUnexpectedEOF, true
	case r.end != nil:
		return 0, r.end, true
	}
	return 0, nil, false
}

// fill receives once, as much as the turn has room for, and reports whether
// that changed anything.
func (s *Stream) fill() bool {
	r := &s.r
	switch {
	case !r.ready || r.end != nil:
		return false
	case s.l.streams.readRoom <= 0:
		s.starved = true
		return false
	}
	st := &s.l.streams
	if st.scratch == nil {
		st.scratch = make([]byte, turnRead)
	}
	r.in.keep(&st.chunks)
	n, more, err := s.sock.recv(st.scratch[:st.readRoom])
	r.ready = more
	switch {
	case err == errAgain:
		return false
	case err != nil:
		s.fail("read", err)
	case n == 0:
		r.end, s.hungUp = io.EOF, true
	default:
		st.readRoom -= n
		s.l.moved(n, 0)
		if r.in == nil {
			r.in = st.chunks.input()
		}
		r.in.put(st.scratch[:n], &st.chunks)
	}
	return true
}

// shut notes that the stream has ended. A slice of the buffer may be in a
// callback's hands: the memory is given back by the next turn.
func (r *reading) shut(err error, drop bool) {
	r.timeout.stop()
	if r.end == nil || drop {
		r.end = err
	}
	if drop && r.in != nil {
		r.in.data, r.in.borrowed, r.scanned = nil, false, 0
	}
}
