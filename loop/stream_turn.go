package loop

import "github.com/valet-go/valet/internal/sysio"

// What a stream may do in one turn, so that a busy one starves nobody. What is
// left over is done in its next turn, an iteration later.
const (
	turnCallbacks = 32
	turnRead      = sysio.Inline // bytes received
	turnWrite     = 256 << 10    // bytes sent from the queue
)

// schedule sees to it that the stream gets a turn, if none is running.
func (s *Stream) schedule() {
	if !s.inTurn && !s.scheduled {
		s.scheduled = true
		s.l.later(s)
	}
}

func (s *Stream) turn() {
	s.scheduled = false
	s.serve()
}

// serve gives the stream a turn: it runs the callbacks that are due, one after
// another, among them those that become due meanwhile.
func (s *Stream) serve() {
	s.inTurn, s.more, s.starved = true, true, false
	s.l.streams.readRoom, s.l.streams.writeRoom = turnRead, turnWrite
	defer s.endTurn()
	for range turnCallbacks {
		s.l.watchdog.note()
		if !s.step() {
			s.more = s.starved
			return
		}
	}
}

// endTurn also runs when a callback has panicked.
func (s *Stream) endTurn() {
	s.inTurn = false
	if s.r.in != nil && len(s.r.in.data) == 0 {
		s.l.streams.chunks.drop(s.r.in)
		s.r.in = nil
	}
	switch {
	case s.more:
		s.schedule()
	case s.ended && !s.settled:
		s.settled = true
		if s.ln != nil {
			s.ln.settled()
		}
	}
}

// step runs at most one callback and reports whether it did.
func (s *Stream) step() bool {
	s.flush()
	switch {
	case s.writeStep() || s.readStep():
	case s.ended:
		cb := s.onClose
		if cb == nil {
			return false
		}
		s.onClose = nil
		cb(s.cause)
	case s.hungUp && s.onHangUp != nil:
		cb := s.onHangUp
		s.onHangUp = nil
		cb()
	default:
		return false
	}
	return true
}
