package loop

import (
	"io"
	"net"
)

// Stream is a connection whose reads and writes call back on a loop: TCP or a
// stream-oriented unix socket, from [Loop.Dial] or [Loop.Listen].
//
// Its methods belong to the loop's goroutine and panic elsewhere while the
// loop runs; LocalAddr and RemoteAddr may be called from any goroutine. None
// blocks. A callback runs on the loop, exactly once, never inside the method
// that it was given to and never before the callback that is running has
// returned. It may call every method. If it panics, the stream goes on.
//
// A stream ends by Close, by an error of the connection, by the write timeout,
// when both directions are finished, or with its loop. Then its descriptor is
// closed, what is pending gets its error, and the callback of OnClose comes
// last. What is begun afterwards gets an error as well, except on a closed
// loop, where nothing runs any more: there no callback comes.
//
// Whoever neither reads nor closes a stream keeps its descriptor: a peer's
// hang-up is noticed by reading, by writing, or by OnHangUp.
type Stream struct {
	l            *Loop
	ln           *Listener // that accepted it; nil: it was dialled
	laddr, raddr net.Addr
	sock         socket
	r            reading
	w            writing

	cause    error // why it ended, for OnClose
	onClose  func(error)
	onHangUp func()

	place
	ended     bool
	settled   bool // ended, and every callback that was pending has run
	hungUp    bool
	scheduled bool // is to get a turn in the next iteration
	inTurn    bool
	more      bool // the turn ends with something left to do
	starved   bool // a budget of the turn stopped something
}

// newStream puts a connection on the loop; on failure it is closed. On the
// loop.
func newStream(l *Loop, k link, ln *Listener) (*Stream, error) {
	s := &Stream{l: l, ln: ln, laddr: k.laddr, raddr: k.raddr}
	s.r.ready, s.w.ready = true, true // nothing is known yet
	if err := s.sock.open(l, k, s.onReady); err != nil {
		closeNative(k.native)
		return nil, err
	}
	if !l.streams.add(s) {
		s.sock.close()
		return nil, ErrClosed
	}
	return s, nil
}

// hand gives a new stream to the callback. If that ends by a panic, the stream
// is closed, because nobody may have taken it.
func (s *Stream) hand(to func(*Stream)) {
	taken := false
	defer func() {
		if !taken {
			s.Close()
		}
	}()
	to(s)
	taken = true
}

// LocalAddr returns the address of this end. Any goroutine, also after Close.
func (s *Stream) LocalAddr() net.Addr { return s.laddr }

// RemoteAddr returns the address of the other end, which is empty for most
// clients of a unix socket. Any goroutine, also after Close.
func (s *Stream) RemoteAddr() net.Addr { return s.raddr }

// Close ends the stream at once: what is queued is dropped, and what is
// pending gets [net.ErrClosed]. To send what is queued first, close in the
// callback of the last Write. On the loop; does not block. A second call does
// nothing.
func (s *Stream) Close() {
	s.l.mustOwn("Stream.Close")
	s.end(net.ErrClosed, nil)
}

// OnClose sets what is called once the stream has ended, after all other
// callbacks: with nil after our own Close, with [io.EOF] when the peer's end
// of file was read and CloseWrite was done, with [os.ErrDeadlineExceeded]
// after the write timeout, with [ErrClosed] when the loop was closed, else with
// the error of the connection. It replaces what was set; nil sets nothing. On
// a stream that has ended it is called soon. On the loop; does not block.
func (s *Stream) OnClose(cb func(error)) {
	s.l.mustOwn("Stream.OnClose")
	s.onClose = cb
	if s.ended && !s.l.streams.down {
		s.schedule()
	}
}

// OnHangUp sets what is called, once, when the peer has closed the connection,
// closed its sending side, or broken it, even while no read is pending or
// reading is paused: a server that has a reply in the making can give it up.
// The stream does not end by it, and bytes may still wait to be read. If the
// hang-up has been noticed already, cb is called soon; after the end of the
// stream it is not called. It replaces what was set; nil sets nothing. On the
// loop; does not block.
//
// Where this package cannot poll, the stream reads ahead once OnHangUp has been
// called, and the hang-up is noticed if less than 16 KiB wait to be read.
func (s *Stream) OnHangUp(cb func()) {
	s.l.mustOwn("Stream.OnHangUp")
	s.onHangUp = cb
	if cb == nil || s.ended {
		return
	}
	s.sock.watch()
	if s.hungUp {
		s.schedule()
	}
}

// onReady handles an event of the socket. On the loop, in no callback.
func (s *Stream) onReady(r Readiness) {
	if s.ended {
		return
	}
	s.sock.note(r)
	if r.Readable() || r&Urgent != 0 {
		s.r.ready = true
	}
	if r.Writable() {
		s.w.ready = true
	}
	if r&(HangUp|Failed) != 0 {
		s.hungUp = true
	}
	s.serve()
}

// fail ends the stream by an error of the system.
func (s *Stream) fail(op string, err error) {
	if _, ok := err.(*net.OpError); !ok {
		err = &net.OpError{Op: op, Net: s.laddr.Network(), Source: s.laddr, Addr: s.raddr, Err: err}
	}
	s.end(err, err)
}

// finish ends a stream both of whose directions are done.
func (s *Stream) finish() {
	if s.r.told && s.w.state == finished {
		s.end(io.EOF, io.EOF)
	}
}

// end closes the socket; err is for what is pending, cause for OnClose.
func (s *Stream) end(err, cause error) {
	if s.ended {
		return
	}
	s.ended, s.cause = true, cause
	s.r.shut(err, cause == nil)
	s.w.shut(err)
	s.sock.close()
	s.l.streams.remove(s)
	if s.ln != nil {
		s.ln.released()
	}
	s.schedule()
}

// shut ends the stream with its loop.
func (s *Stream) shut() { s.end(ErrClosed, ErrClosed) }
