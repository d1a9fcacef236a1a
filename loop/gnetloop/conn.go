//go:build linux || darwin || freebsd

package gnetloop

import (
	"context"
	"io"
	"net"

	"github.com/valet-go/valet/internal/frontend"
	"github.com/valet-go/valet/loop"
)

// Conn is a connection, and an executor: what is posted to it runs on the gnet
// goroutine that serves it. Any goroutine may call its methods, and none of
// them blocks.
type Conn frontend.Conn

var (
	_ loop.Executor   = (*Conn)(nil)
	_ io.WriteCloser  = (*Conn)(nil)
	_ io.StringWriter = (*Conn)(nil)
)

func (c *Conn) conn() *frontend.Conn { return (*frontend.Conn)(c) }

// Post makes fn run on c's loop, after the callback that runs there has
// returned, and in order of posting. It keeps working after c has closed, for
// as long as Serve runs, so that whoever posts a result gets it delivered. Once
// Serve has ended it reports [loop.ErrClosed] and fn never runs; whatever was
// accepted runs exactly once.
func (c *Conn) Post(fn func()) error { return c.conn().Post(fn) }

// Write sends p, or as much of it as the system takes at once; the rest is
// kept and sent when the client has made room. p is not kept. It writes all of
// p or nothing: the errors are [net.ErrClosed], or the reason, once the
// connection is closing, [ErrBufferFull], and the system's, after which the
// connection is closed. That Write has succeeded does not mean that the client
// gets it. Writes of several goroutines do not mix.
func (c *Conn) Write(p []byte) (int, error) { return c.conn().Write(p) }

// WriteString is Write without a copy of s.
func (c *Conn) WriteString(s string) (int, error) { return c.conn().WriteString(s) }

// Buffered is how many bytes of output wait for the client to make room.
func (c *Conn) Buffered() int { return c.conn().Buffered() }

// SetHighWater makes cb be called with true when more than mark bytes of output
// wait, and with false when they have then fallen to half of mark or less: the
// time to stop, and to resume, what produces them. cb runs on c's loop. Going down
// and up between two calls may go unnoticed; the last call is always right. It
// is not called any more once the connection is closing. SetHighWater replaces
// what was set; with a nil cb there is no mark. mark must not be negative.
func (c *Conn) SetHighWater(mark int, cb func(above bool)) { c.conn().SetHighWater(mark, cb) }

// PauseReading keeps Data from being called until [Conn.ResumeReading]; the
// client is held up once the system's buffers are full. Called on c's loop it
// takes effect at once; elsewhere, one call may be under way. What gnet has read
// by then, at most 64 KiB, is kept. It may be called from Opened.
//
// Meanwhile it is not noticed that the client ends the connection, or breaks it,
// unless a write fails: its end comes after what it has sent. Close and the end
// of the server work as ever, and drop what was not read.
func (c *Conn) PauseReading() { c.conn().PauseReading() }

// ResumeReading ends a pause. Data is called soon, never inside ResumeReading.
func (c *Conn) ResumeReading() { c.conn().ResumeReading() }

// Close closes the connection when the output written so far has been sent;
// the context ends at once. A second call, or one on a connection that is
// closing already, reports [net.ErrClosed].
func (c *Conn) Close() error { return c.conn().Close() }

// CloseNow closes the connection at once, even if Close was called before: what
// waits to be sent is dropped, and a client of TCP sees a reset, by which it may
// lose what it has not read. The context ends, and [Server.Closed] comes soon. It
// is for a client that does not read, which Close would wait for for ever. On a
// connection that has ended, as it soon has if Close had nothing to wait for, it
// does nothing: what the system was given is sent.
func (c *Conn) CloseNow() { c.conn().CloseNow() }

// Context ends when the connection closes, or is closed, with the reason as
// its cause: io.EOF, or else what [Server.Closed] is told. It is made by the
// first call.
func (c *Conn) Context() context.Context { return c.conn().Context() }

// LocalAddr is the address that the client connected to.
func (c *Conn) LocalAddr() net.Addr { return c.conn().LocalAddr() }

// RemoteAddr is the client's address.
func (c *Conn) RemoteAddr() net.Addr { return c.conn().RemoteAddr() }

// SetValue attaches v, the user's state for this connection.
func (c *Conn) SetValue(v any) { c.conn().SetValue(v) }

// Value is what SetValue attached last, or nil.
func (c *Conn) Value() any { return c.conn().Value() }
