package httploop

import (
	"context"
	"errors"
	"io"
	"net"
	"sync/atomic"

	"github.com/valet-go/valet/loop"
)

// Listen serves on a loop: see [loop.Loop.Listen], whose options and errors it
// has. The listener is closed with the loop, or by its own methods.
func (s *Server) Listen(l *loop.Loop, network, address string, opts ...loop.ListenOption) (*loop.Listener, error) {
	if s.Handler == nil {
		return nil, errors.New("httploop: a Server needs a Handler")
	}
	return l.Listen(network, address, func(stream *loop.Stream) {
		c := &streamConn{l: l, s: stream}
		c.k = client{srv: s, c: c}
		c.read = c.received
		stream.ReadSome(c.read)
		c.k.expect()
	}, opts...)
}

// streamConn is a stream as a Conn, together with its client. It belongs to the
// loop's goroutine, but for Post, Context, RemoteAddr.
type streamConn struct {
	k    client
	l    *loop.Loop
	s    *loop.Stream
	read func([]byte, error) // received, made once
	life
}

func (c *streamConn) received(in []byte, err error) {
	switch {
	case err == nil:
		c.s.ReadSome(c.read)
		c.k.received(in)
	case errors.Is(err, io.EOF):
		c.s.OnClose(c.closed) // there is no read any more that would tell
		c.k.finished()
	default:
		c.closed(err)
	}
}

// closed is called once the stream has ended.
func (c *streamConn) closed(err error) {
	c.end(err)
	c.k.gone()
}

// Post is [Conn]'s.
func (c *streamConn) Post(fn func()) error { return c.l.Post(fn) }

// RemoteAddr is [Conn]'s.
func (c *streamConn) RemoteAddr() net.Addr { return c.s.RemoteAddr() }

// Write is [Conn]'s.
func (c *streamConn) Write(p []byte) (int, error) {
	c.s.Write(p, nil)
	return len(p), nil
}

// Buffered is [Conn]'s.
func (c *streamConn) Buffered() int { return c.s.Queued() }

// SetHighWater is [Conn]'s.
func (c *streamConn) SetHighWater(mark int, cb func(above bool)) { c.s.SetHighWater(mark, cb) }

// Close is [Conn]'s.
func (c *streamConn) Close() error {
	c.end(net.ErrClosed)
	c.s.Write(nil, func(error) { c.s.Close() }) // behind what is queued
	return nil
}

// CloseNow is [Conn]'s.
func (c *streamConn) CloseNow() {
	c.end(net.ErrClosed)
	c.s.Close()
}

// PauseReading is [Conn]'s.
func (c *streamConn) PauseReading() { c.s.Pause() }

// ResumeReading is [Conn]'s.
func (c *streamConn) ResumeReading() { c.s.Resume() }

// SetValue is [Conn]'s. There is nothing to set.
func (c *streamConn) SetValue(any) {}

// Value is [Conn]'s.
func (c *streamConn) Value() any { return &c.k }

var _ Conn = (*streamConn)(nil)

// life is a context that is made when somebody asks for it, or when it ends. Any
// goroutine.
type life struct{ made atomic.Pointer[cancellable] }

type cancellable struct {
	context.Context
	cancel context.CancelCauseFunc
}

// Context is [Conn]'s.
func (l *life) Context() context.Context { return l.get().Context }

func (l *life) get() *cancellable {
	if l.made.Load() == nil {
		ctx, cancel := context.WithCancelCause(context.Background())
		l.made.CompareAndSwap(nil, &cancellable{ctx, cancel}) // another goroutine may have been faster
	}
	return l.made.Load()
}

// end ends it, unless it has ended.
func (l *life) end(cause error) {
	if cause == nil {
		cause = net.ErrClosed
	}
	l.get().cancel(cause)
}
