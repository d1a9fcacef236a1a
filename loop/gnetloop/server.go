package gnetloop

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync/atomic"
	"time"

	"github.com/valet-go/valet/internal/frontend"
)

// ErrBufferFull is reported by [Conn.Write] when the output that waits for a
// slow reader would exceed [Server.MaxBuffered]; nothing of that write was
// taken.
var ErrBufferFull = errors.New("gnetloop: too much output is waiting for the client")

// ErrGoexit is what [Server.PanicHandler] is told of a callback that called
// runtime.Goexit.
var ErrGoexit = frontend.ErrGoexit

// Server is a gnet server whose connections are executors. Set the fields,
// then call [Server.Serve]; do not change them while it runs. The zero value
// with Data set is ready to use.
//
// Opened, Data, EOF and Closed run on the goroutine of the loop of gnet that
// serves the connection, one at a time, as do the functions given to [Conn.Post];
// they must not block. When gnet has stopped by itself, and during the last
// moments of Serve, another goroutine stands in for those of the connections
// that are left, still one callback at a time.
type Server struct {
	// Data is called with what a client sent. Required. in is only valid
	// during the call. It is not called after Close.
	Data func(c *Conn, in []byte)

	// Opened is called first for every connection.
	Opened func(c *Conn)

	// EOF is called when the client has finished sending: it closed, or
	// half-closed, which look alike. With EOF set the connection stays open
	// for writing, and its Context alive, until Close is called (EOF, or what
	// it starts, must do so in the end) or a write fails. Without EOF the
	// context ends at once and the connection is closed as by Close, after the
	// output written so far.
	EOF func(c *Conn)

	// Closed is called last, once, for every connection that Opened was or
	// would have been called for. err is io.EOF if the client ended the
	// connection, net.ErrClosed after Close, loop.ErrClosed if the server was
	// stopped, and otherwise what went wrong.
	Closed func(c *Conn, err error)

	// Ready is called once, when the server listens, with the real addresses
	// in the order of Serve's; on a goroutine of its own, and Serve waits for
	// it.
	Ready func(addrs []net.Addr)

	// PanicHandler hears of a panic in a callback, with the stack, on the
	// goroutine of that callback; the connection is then closed. It must not
	// panic. The default logs it with Logger.
	PanicHandler func(v any, stack []byte)

	// Logger hears of panics, of restarts and of refused connections. The
	// default is slog.Default().
	Logger *slog.Logger

	// Grace is how long Serve goes on sending the output that is pending when
	// its context ends: 5 s if zero, not at all if negative.
	Grace time.Duration

	// Loops is how many loops gnet runs, each on a goroutine of its own: 0 and
	// 1 mean one, beside the goroutine that accepts. Connections are dealt out to
	// them in turn. Callbacks of connections of different loops run at the same time;
	// what they share needs a lock.
	Loops int

	// MaxBuffered is how many bytes of output may wait for one client: 64 MiB
	// if zero.
	MaxBuffered int

	restarts atomic.Int64
	refused  atomic.Int64
}

// Serve listens on addrs, "tcp://host:port" (also tcp4, tcp6) or
// "unix://path", and serves until ctx ends. Then it stops accepting, sends the
// output that is pending for at most Grace, closes every connection, runs the
// functions posted so far, and returns nil, with no goroutine or descriptor
// left behind. It blocks all that time; a callback that never returns keeps it
// from returning.
//
// Errors: an address that is no good or taken (a path that exists and is not a
// socket that nobody listens on is refused, because gnet would delete it), a
// gnet whose fields this package does not know, a process that is out of
// descriptors, and, on systems other than Linux, macOS and FreeBSD,
// [errors.ErrUnsupported]. When gnet stops by itself (it does after any accept
// error, and closes every connection) Serve starts it again after a pause; see
// [Server.Restarts]. It gives up after about half a minute of failing to.
//
// One Server may be served again after Serve has returned.
func (s *Server) Serve(ctx context.Context, addrs ...string) error {
	if s.Data == nil {
		return errors.New("gnetloop: Server.Data is required")
	}
	if s.Loops < 0 {
		return errors.New("gnetloop: Server.Loops is negative")
	}
	listens, err := frontend.ParseAddrs(addrs)
	if err != nil {
		return fmt.Errorf("gnetloop: %w", err)
	}
	if ctx.Err() != nil {
		return nil
	}
	return s.serve(ctx, listens)
}

// Restarts is how often gnet stopped by itself and was started again. Any
// goroutine; does not block.
func (s *Server) Restarts() int64 { return s.restarts.Load() }

// Refused is how many connections were closed at once because the process
// was about to run out of descriptors. Any goroutine; does not block.
func (s *Server) Refused() int64 { return s.refused.Load() }
