package loop

import (
	"net"
	"os"
	"slices"
	"time"
)

// States of writing.
//
//	from       to         who and when
//	flowing    clogged    Write: the kernel took only a part
//	flowing    finished   CloseWrite
//	clogged    flowing    a turn: all that was queued has been sent
//	clogged    finishing  CloseWrite
//	finishing  finished   a turn: all that was queued has been sent
//	any other  broken     the stream ended; in finished, end stays as it was
const (
	flowing   writeState = iota // nothing is queued: Write goes to the kernel
	clogged                     // the queue waits for room in the kernel
	finishing                   // as clogged, and then the direction is shut down
	finished                    // shut down by CloseWrite
	broken                      // the stream has ended
)

type writeState uint8

// directWrite is the most that one Write hands to the kernel itself, in bytes;
// the kernel takes 1 MiB in some 130 µs.
const directWrite = 1 << 20

// keepWrites is for how many callbacks a stream that has run them all keeps its
// memory.
const keepWrites = 64

// writing is a stream's sending half.
type writing struct {
	state   writeState
	ready   bool  // the kernel may take something; only it can tell otherwise
	end     error // what a Write gets in the states finished and broken
	timeout timeout
	late    *late // nil: there was never anything in it
}

// late is what comes after a Write: what the kernel has not taken at once, and
// the callbacks.
type late struct {
	queue []byte // what it has not taken, from at on
	at    int
	given uint64 // bytes queued since the beginning
	sent  uint64 // of them, those that the kernel took
	ops   []writeOp
	opAt  int

	mark        int
	above, told bool // the queue is above the mark; and what was last called
	onMark      func(bool)
}

// writeOp is a Write whose callback has not run: due when the kernel has taken
// everything up to end, or when it has failed.
type writeOp struct {
	cb  func(error)
	end uint64
	err error
}

// Write sends data: at once if the kernel takes it, and otherwise what is left
// is copied and queued, without a bound; see SetHighWater. data is the caller's
// again when Write returns. cb, which may be nil, is called once the kernel has
// taken all of it, which does not mean that the peer has, or with an error.
// Writes, and their callbacks, keep their order.
//
// An error ends the stream, and every write that is not through gets it. After
// CloseWrite or Close it is [net.ErrClosed].
//
// On the loop; does not block.
func (s *Stream) Write(data []byte, cb func(error)) {
	s.l.mustOwn("Stream.Write")
	w := &s.w
	if s.l.streams.down {
		return
	}
	if w.end == nil && w.state != finishing {
		if w.state == flowing {
			data = data[s.send(data, directWrite):]
		}
		if len(data) > 0 && w.end == nil {
			s.enqueue(data)
		}
	}
	if cb == nil {
		return
	}
	late := w.later()
	op := writeOp{cb: cb, end: late.given, err: w.end}
	if w.state == finishing {
		op.err = net.ErrClosed
	}
	if late.opAt > len(late.ops)/2 {
		late.ops, late.opAt = slices.Delete(late.ops, 0, late.opAt), 0
	}
	late.ops = append(late.ops, op)
	if late.opDue() {
		s.schedule()
	}
}

func (w *writing) later() *late {
	if w.late == nil {
		w.late = &late{}
	}
	return w.late
}

// enqueue keeps what the kernel did not take.
func (s *Stream) enqueue(data []byte) {
	w, late := &s.w, s.w.later()
	if w.state == flowing {
		w.state = clogged
		late.queue = s.l.streams.chunks.get(len(data))
		w.timeout.start(s, (*Stream).writeTimeout)
		if w.ready { // directWrite was reached
			s.schedule()
		}
	} else if late.at > len(late.queue)/2 {
		late.queue, late.at = append(late.queue[:0], late.queue[late.at:]...), 0
	}
	late.queue = append(late.queue, data...)
	late.given += uint64(len(data))
	late.gauge()
	if late.above != late.told {
		s.schedule()
	}
}

// send hands p to the kernel until that takes no more, or room bytes have
// gone, and returns how many it took.
func (s *Stream) send(p []byte, room int) (n int) {
	w := &s.w
	for w.ready && n < len(p) && n < room {
		k, err := s.sock.send(p[n:])
		n += k
		if w.state != flowing { // p is queued
			w.late.sent += uint64(k)
		}
		s.l.moved(0, k)
		switch {
		case err == errAgain:
			w.ready = false
		case err != nil:
			s.fail("write", err)
			return n
		}
	}
	return n
}

// flush sends what is queued, as far as the kernel and the turn allow.
func (s *Stream) flush() {
	w := &s.w
	if w.state != clogged && w.state != finishing || !w.ready {
		return
	}
	room := &s.l.streams.writeRoom
	if *room <= 0 {
		s.starved = true
		return
	}
	late := w.late
	n := s.send(late.queue[late.at:], *room)
	if s.ended {
		return
	}
	*room -= n
	late.at += n
	switch {
	case late.at == len(late.queue):
		late.dropQueue(&s.l.streams.chunks)
		w.timeout.rest()
		if w.state == finishing {
			s.shutDown()
		} else {
			w.state = flowing
		}
	case n > 0:
		w.timeout.progress()
	}
	late.gauge()
	s.starved = s.starved || w.ready && late.at < len(late.queue)
}

func (late *late) dropQueue(c *chunks) {
	c.put(late.queue)
	late.queue, late.at = nil, 0
}

func (late *late) opDue() bool {
	if late.opAt == len(late.ops) {
		return false
	}
	op := &late.ops[late.opAt]
	return op.end <= late.sent || op.err != nil
}

// writeStep runs the callback of the oldest write that is through or has
// failed, or that of the high-water mark.
func (s *Stream) writeStep() bool {
	late := s.w.late
	switch {
	case late == nil:
		return false
	case late.opDue():
		op := late.ops[late.opAt]
		late.ops[late.opAt] = writeOp{}
		if late.opAt++; late.opAt == len(late.ops) {
			late.ops, late.opAt = late.ops[:0], 0
			if cap(late.ops) > keepWrites {
				late.ops = nil
			}
		}
		op.cb(op.err)
	case late.above != late.told && !s.ended:
		above := late.above
		late.told = above
		late.gauge() // it may have fallen before this
		late.onMark(above)
	default:
		return false
	}
	return true
}

// CloseWrite shuts the sending direction down once everything queued is sent;
// the peer reads an end of file. Later writes get [net.ErrClosed]. Reading goes
// on; once the peer's end of file has been read, too, the stream ends. On the
// loop; does not block. After Close, or a second time, it does nothing.
func (s *Stream) CloseWrite() {
	s.l.mustOwn("Stream.CloseWrite")
	switch s.w.state {
	case flowing:
		s.shutDown()
	case clogged:
		s.w.state = finishing
	}
}

// shutDown does what CloseWrite is for. That it fails on a connection which the
// peer has broken is seen by reading.
func (s *Stream) shutDown() {
	_ = s.sock.closeWrite()
	s.w.state, s.w.end = finished, net.ErrClosed
	s.finish()
}

// Queued returns how many bytes the kernel has not taken yet. On the loop.
func (s *Stream) Queued() int {
	s.l.mustOwn("Stream.Queued")
	return s.w.queued()
}

func (w *writing) queued() int {
	if w.late == nil {
		return 0
	}
	return len(w.late.queue) - w.late.at
}

// SetHighWater makes cb be called with true when more than mark bytes are
// queued, and with false when the queue has then fallen to half of mark or
// less: the time to stop, and to resume, what produces the data. Going down and
// up between two turns of the stream may go unnoticed. It is not called any
// more once the stream has ended. It replaces what was set; with a nil cb there
// is no mark. mark must not be negative. On the loop; does not block.
func (s *Stream) SetHighWater(mark int, cb func(above bool)) {
	s.l.mustOwn("Stream.SetHighWater")
	if mark < 0 {
		panic("loop: Stream.SetHighWater needs a mark that is not negative")
	}
	late := s.w.later()
	late.mark, late.onMark, late.above, late.told = mark, cb, false, false
	if late.gauge(); late.above && !s.ended {
		s.schedule()
	}
}

// gauge compares the queue with the mark.
func (late *late) gauge() {
	switch queued := len(late.queue) - late.at; {
	case late.onMark == nil:
	case queued > late.mark:
		late.above = true
	case queued <= late.mark/2 && late.told: // else nobody would be told when to go on
		late.above = false
	}
}

// SetWriteTimeout limits how long a queue may make no progress: then the stream
// ends with [os.ErrDeadlineExceeded], because a message of which a part is sent
// cannot be taken back. Zero or less, as at first, means no limit. On the loop;
// does not block.
func (s *Stream) SetWriteTimeout(d time.Duration) {
	s.l.mustOwn("Stream.SetWriteTimeout")
	s.w.timeout.set(s, d, s.w.queued() > 0 && !s.ended, (*Stream).writeTimeout)
}

// writeTimeout is the timer's callback.
func (s *Stream) writeTimeout() {
	w := &s.w
	if w.queued() == 0 || s.ended || !w.timeout.over() {
		return
	}
	// An event may be on its way: look before the stream is given up.
	before := w.late.sent
	w.ready = true
	s.l.streams.writeRoom = turnWrite
	s.flush()
	switch {
	case s.ended:
	case w.late.sent == before:
		s.end(os.ErrDeadlineExceeded, os.ErrDeadlineExceeded)
	case w.queued() > 0:
		w.timeout.start(s, (*Stream).writeTimeout)
	}
	s.serve()
}

// shut notes that the stream has ended.
func (w *writing) shut(err error) {
	w.timeout.stop()
	if w.state != finished {
		w.end = err
	}
	w.state = broken
	late := w.late
	if late == nil {
		return
	}
	for i := late.opAt; i < len(late.ops); i++ {
		if op := &late.ops[i]; op.end > late.sent && op.err == nil {
			op.err = err
		}
	}
	late.queue, late.at = nil, 0
}
