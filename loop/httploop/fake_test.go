package httploop

import (
	"bytes"
	"context"
	"errors"
	"net"
	"sync"
)

// fake is a Conn without a socket: what is posted to it runs when the test says,
// on the test's goroutine.
type fake struct {
	out    bytes.Buffer
	paused bool
	closed bool
	value  any

	dropped bool // CloseNow was called

	buffered int
	refuse   error // what Write reports
	room     func(bool)

	mu     sync.Mutex // guards posted
	posted []func()
}

func (f *fake) Post(fn func()) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.posted = append(f.posted, fn)
	return nil
}

// run runs what is posted, and what that posts.
func (f *fake) run() {
	for {
		f.mu.Lock()
		fns := f.posted
		f.posted = nil
		f.mu.Unlock()
		if len(fns) == 0 {
			return
		}
		for _, fn := range fns {
			fn()
		}
	}
}

func (f *fake) Context() context.Context { return context.Background() }
func (f *fake) RemoteAddr() net.Addr     { return &net.TCPAddr{} }
func (f *fake) PauseReading()            { f.paused = true }
func (f *fake) ResumeReading()           { f.paused = false }
func (f *fake) SetValue(v any)           { f.value = v }
func (f *fake) Value() any               { return f.value }
func (f *fake) Buffered() int            { return f.buffered }

func (f *fake) SetHighWater(_ int, cb func(bool)) { f.room = cb }

func (f *fake) Write(p []byte) (int, error) {
	if f.closed {
		return 0, net.ErrClosed
	}
	if f.refuse != nil {
		return 0, f.refuse
	}
	return f.out.Write(p)
}

func (f *fake) Close() error {
	if f.closed {
		return net.ErrClosed
	}
	f.closed = true
	return nil
}

func (f *fake) CloseNow() { f.closed, f.dropped, f.buffered = true, true, 0 }

// errStuck is a server that neither reads nor goes on.
var errStuck = errors.New("the server has stopped reading, and waits for nothing")

// play serves a client that sends the pieces and then no more, and returns all
// that it is answered.
func play(s *Server, pieces ...[]byte) ([]byte, error) {
	f := &fake{}
	s.Opened(f)
	for _, piece := range pieces {
		if f.closed {
			break
		}
		if f.paused {
			return nil, errStuck
		}
		own := bytes.Clone(piece)
		s.Data(f, own)
		for i := range own { // it is the host's again
			own[i] = 'X'
		}
		f.run()
	}
	if !f.closed {
		s.EOF(f)
		f.run()
	}
	if !f.closed {
		return nil, errors.New("the connection is still open")
	}
	s.Closed(f)
	f.run()
	return f.out.Bytes(), nil
}
