package httploop

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"runtime/debug"
	"time"

	"github.com/valet-go/valet/loop"
)

// Conn is what a host gives for each client: a connection that is an executor.
// Those of package evioloop and gnetloop are.
type Conn interface {
	loop.Executor

	// Context ends with the connection.
	Context() context.Context
	// Write sends all of p, or keeps what cannot be sent yet.
	Write(p []byte) (int, error)
	// Buffered is how many bytes are kept.
	Buffered() int
	// SetHighWater makes cb be called, on the connection's goroutine, with
	// false when what is kept falls to half of mark; nil ends that.
	SetHighWater(mark int, cb func(above bool))
	// Close closes once what was written is sent.
	Close() error
	// CloseNow closes, and drops what is kept.
	CloseNow()
	RemoteAddr() net.Addr
	// PauseReading keeps the host from calling Data until ResumeReading.
	PauseReading()
	ResumeReading()
	SetValue(v any)
	Value() any
}

// Server is what is served, on as many hosts as wanted. Set the fields before
// the first client comes, and do not change them. The zero value with a Handler
// is ready to use.
type Server struct {
	// Handler is called with each request, on the goroutine that serves the
	// client. It must not block, and need not answer before it returns.
	// Required.
	Handler func(x *Exchange)

	// MaxHeader is how many bytes the request line and the header fields may
	// have: 16 KiB if zero.
	MaxHeader int
	// MaxBody is how many bytes a request's body may have: 1 MiB if zero.
	MaxBody int
	// MaxPipelined is how many requests of a client may wait for their answers,
	// before it is no longer read from: 16 if zero.
	MaxPipelined int

	// HeaderTimeout is how long a client may take to send a header, from its
	// first byte on: 10 s if zero.
	HeaderTimeout time.Duration
	// BodyTimeout is how long it may take to send a body, and how long it may
	// leave answers that wait for it unread: 30 s if zero.
	BodyTimeout time.Duration
	// IdleTimeout is how long it may be connected without a request: 75 s if
	// zero. While requests wait for answers no time is counted.
	IdleTimeout time.Duration

	// PanicHandler hears of a panic in the handler, with the stack, on the same
	// goroutine; the client gets 500, if it has had no answer, and is
	// disconnected. By default it is logged by [slog.Default].
	PanicHandler func(v any, stack []byte)

	deadlines deadlines
}

func orDefault[T comparable](v, or T) T {
	var zero T
	if v == zero {
		return or
	}
	return v
}

func (s *Server) maxHeader() int    { return orDefault(s.MaxHeader, 16<<10) }
func (s *Server) maxBody() int      { return orDefault(s.MaxBody, 1<<20) }
func (s *Server) maxPipelined() int { return orDefault(s.MaxPipelined, 16) }

func (s *Server) timeout(w wait) time.Duration {
	switch w {
	case forHeader:
		return orDefault(s.HeaderTimeout, 10*time.Second)
	case forBody, forRoom:
		return orDefault(s.BodyTimeout, 30*time.Second)
	case forLeaving:
		return min(orDefault(s.IdleTimeout, leaving), leaving)
	default:
		return orDefault(s.IdleTimeout, 75*time.Second)
	}
}

// Opened takes a client: for hosts, on the goroutine that serves it.
func (s *Server) Opened(c Conn) {
	if s.Handler == nil {
		panic("httploop: a Server needs a Handler")
	}
	k := &client{srv: s, c: c}
	c.SetValue(k)
	k.expect()
}

// Data takes what a client sent, which is valid only during the call: for hosts,
// on the goroutine that serves it.
func (s *Server) Data(c Conn, in []byte) {
	if k, ok := c.Value().(*client); ok {
		k.received(in)
	}
}

// EOF hears that a client sends no more, which looks the same whether it has
// left or waits for answers: for hosts, on the goroutine that serves it. The
// connection is closed when all requests are answered; the first that has
// [Exchange.OnGone], and those behind it, are given up.
func (s *Server) EOF(c Conn) {
	if k, ok := c.Value().(*client); ok {
		k.finished()
	}
}

// Closed hears that a connection has ended: for hosts, on the goroutine that
// served it.
func (s *Server) Closed(c Conn) {
	if k, ok := c.Value().(*client); ok {
		k.gone()
	}
}

// call runs f, which is the user's, and reports whether it returned.
func (s *Server) call(f func()) (returned bool) {
	defer func() {
		if returned {
			return
		}
		v := recover()
		if v == nil { // runtime.Goexit, which the host sees
			return
		}
		stack := debug.Stack()
		if s.PanicHandler != nil {
			s.PanicHandler(v, stack)
			return
		}
		slog.Error("httploop: a handler panicked", "panic", fmt.Sprint(v), "stack", string(stack))
	}()
	f()
	return true
}
