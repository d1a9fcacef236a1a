//go:build linux || darwin || freebsd

package frontend

import (
	"context"
	"io"
	"net"
	"sync"

	"golang.org/x/sys/unix"
)

// state is how far the end of a connection has come. It only ever grows.
//
//	from     to       when
//	open     closing  Close; the server stops; a callback panicked; the client
//	                  ended and output is pending
//	open     shut     as above, with nothing to send; a write failed; CloseNow
//	closing  shut     the last byte was sent; a write failed; CloseNow; Grace is over
//	shut     closed   the engine has noticed, and ended its part
//	any      closed   the engine has ended its part, and nothing is to be sent
type state uint8

const (
	open    state = iota // takes output
	closing              // takes none; what is buffered is still sent
	shut                 // shut down or reset, which the engine will notice
	closed               // our descriptor is closed, or the engine's again
)

// Conn is a connection, and an executor: what is posted to it runs on the loop
// that serves it. Any goroutine may call its methods, except where it is said
// that they are the loop's, and none of them blocks.
type Conn struct {
	loop   *Loop
	local  net.Addr
	remote net.Addr

	mu       sync.Mutex // guards what follows, and every system call on fd
	fd       int32      // what we write to: our own duplicate, or the engine's
	engineFD int32      // the number that the engine's poll reports
	watched  int32      // by which descriptor the poll knows it; -1: paused
	state    state
	borrowed bool // fd is the engine's
	gone     bool // the engine has ended its part
	paused   bool // PauseReading was called last
	ended    bool // Closed was called; the executor's goroutine only

	reason error        // why it ends; set with the first change of state
	out    *output      // what waits to be sent, if any
	ctx    *cancellable // made by the first call of Context
	rare   *rare        // what few connections have
	value  any
}

// cancellable is a context that was asked for.
type cancellable struct {
	context.Context
	cancel context.CancelCauseFunc
}

// rare is what few connections have.
type rare struct {
	held []byte // input that came while reading was paused
	mark mark
}

// Accepted is what an engine knows of a connection that it has accepted.
type Accepted struct {
	// FD is the engine's descriptor, and the number that its poll reports.
	FD int
	// Own is a duplicate that is for the connection to close, or -1: then FD
	// is used, until [Conn.EngineClosed].
	Own           int
	Local, Remote net.Addr
}

// Accept makes a connection that is served by l. On the loop.
func (l *Loop) Accept(a Accepted) *Conn {
	c := &Conn{
		loop: l, local: a.Local, remote: a.Remote,
		fd: int32(a.Own), engineFD: int32(a.FD), watched: int32(a.FD), borrowed: a.Own < 0,
	}
	if c.borrowed {
		c.fd = c.engineFD
	}
	l.conns[c] = struct{}{}
	return c
}

// Opened tells the user. On the loop.
func (c *Conn) Opened() { c.loop.run.callOpened(c) }

// Loop is the loop that serves c.
func (c *Conn) Loop() *Loop { return c.loop }

// Post makes fn run on c's loop; see the hosts' Post.
func (c *Conn) Post(fn func()) error {
	if fn == nil {
		panic(c.loop.run.Name + ": Post needs a function, not nil")
	}
	return c.loop.q.post(posted{fn, c})
}

// Close closes the connection when the output written so far has been sent.
func (c *Conn) Close() error {
	if !c.closeWith(net.ErrClosed) {
		return net.ErrClosed
	}
	return nil
}

// closeWith starts the end of an open connection.
func (c *Conn) closeWith(reason error) bool {
	c.mu.Lock()
	if c.state != open {
		c.mu.Unlock()
		return false
	}
	c.state, c.reason = closing, reason
	if c.out == nil {
		c.shutLocked()
	}
	c.mu.Unlock()
	c.endContext()
	return true
}

// CloseNow closes the connection and drops what waits to be sent: here and, on
// TCP, in the system, which would otherwise keep it for a client that is there
// but does not read; unless the end has come so far that the descriptor is closed.
func (c *Conn) CloseNow() {
	c.mu.Lock()
	if c.state < closed {
		if c.state == open {
			c.reason = net.ErrClosed
		}
		// It fails only on a connection that is broken. Where reset does
		// nothing, the peer's reset comes when the descriptor is closed.
		_ = unix.SetsockoptLinger(int(c.fd), unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
		reset(c.fd)
		c.shutLocked()
	}
	c.mu.Unlock()
	c.endContext()
}

// shutLocked tells the engine, which is the only one to take the connection out
// of its tables, by shutting the socket down: it reads an end of file. If it
// has ended its part, nothing more is needed than to close.
func (c *Conn) shutLocked() {
	if c.state >= shut {
		return
	}
	c.dropOutputLocked()
	c.state = shut
	if !c.gone {
		// An error means that the peer has reset the connection, which the
		// engine hears of as well.
		_ = unix.Shutdown(int(c.fd), unix.SHUT_RDWR)
		if c.watched < 0 {
			c.loop.post(c.applyReading) // so that it does hear
		}
		return
	}
	c.releaseLocked()
	c.loop.post(c.end)
}

// releaseLocked closes our descriptor, or leaves it to the engine. The
// flusher's registration ends first, since it would outlive the descriptor if a
// child process held a copy.
func (c *Conn) releaseLocked() {
	c.dropOutputLocked()
	if c.state == closed {
		return
	}
	if !c.borrowed {
		unix.Close(int(c.fd))
	}
	c.fd, c.state = -1, closed
}

// EngineClosed is the engine's word that it has ended its part: err is nil
// after an end of file. If fd is the engine's, it must still be open, and not
// be watched any more when it is closed. On the loop.
func (c *Conn) EngineClosed(err error) {
	run := c.loop.run
	c.mu.Lock()
	hook := run.EOF != nil && c.state == open && !run.stopping.Load()
	keep := err == nil && (hook || c.state < shut && c.out != nil) && c.detachLocked()
	c.gone = true
	switch {
	case keep && hook:
		c.mu.Unlock()
		run.callEOF(c)
		return
	case keep:
		if c.state == open {
			c.state, c.reason = closing, io.EOF
		}
		c.mu.Unlock()
		c.endContext()
		return
	case c.state == shut:
	case err != nil:
		c.reason = err
	case c.state == open:
		c.reason = io.EOF
	}
	if !c.borrowed {
		c.unwatchLocked()
	}
	c.releaseLocked()
	c.mu.Unlock()
	c.end()
}

// detachLocked makes the connection one that outlives the engine's part of it,
// if that can be done.
func (c *Conn) detachLocked() bool {
	if !c.borrowed {
		// The engine's poll would report for ever what it knows by its own,
		// closed descriptor, while ours is open.
		if c.watched != c.fd && c.watched >= 0 && !forgetsClosed {
			return false
		}
		c.unwatchLocked()
		return true
	}
	own, err := unix.FcntlInt(uintptr(c.fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return false
	}
	c.fd, c.borrowed, c.watched = int32(own), false, -1
	return c.out == nil || c.waitLocked() == nil
}

// EngineEnds is the word of an engine that closes its descriptors when it ends:
// the connection ends whatever state it is in and whatever is pending. On the
// loop, before the descriptor is closed.
func (c *Conn) EngineEnds() {
	c.mu.Lock()
	c.abortLocked(c.loop.run.endReason())
	c.mu.Unlock()
	c.end()
}

// abort is the same after an engine, or without one: what it has left open is
// closed. On the executor's goroutine.
func (c *Conn) abort(reason error) {
	c.mu.Lock()
	c.borrowed = false
	c.abortLocked(reason)
	c.mu.Unlock()
	c.end()
}

func (c *Conn) abortLocked(reason error) {
	if c.state == open || c.out != nil {
		c.reason = reason
	}
	c.gone = true
	c.releaseLocked()
}

func (c *Conn) isGone() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.gone
}

// end reports the end, on the executor's goroutine.
func (c *Conn) end() {
	if c.ended {
		return
	}
	c.ended = true
	c.endContext()
	c.loop.forget(c)
	c.loop.run.callClosed(c)
}

// Context ends when the connection closes, or is closed, with the reason as
// its cause. It is made by the first call.
func (c *Conn) Context() context.Context {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ctx == nil {
		ctx, cancel := context.WithCancelCause(context.Background())
		c.ctx = &cancellable{ctx, cancel}
		if c.state != open {
			cancel(c.reason)
		}
	}
	return c.ctx.Context
}

// endContext cancels the context, without the mutex: that runs whatever hangs
// off it.
func (c *Conn) endContext() {
	c.mu.Lock()
	ctx, reason := c.ctx, c.reason
	c.mu.Unlock()
	if ctx != nil {
		ctx.cancel(reason)
	}
}

// LocalAddr is the address that the client connected to.
func (c *Conn) LocalAddr() net.Addr {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.fd >= 0 {
		if a := BoundAddr(int(c.fd)); a != nil {
			c.local = a
		}
	}
	return c.local
}

// RemoteAddr is the client's address.
func (c *Conn) RemoteAddr() net.Addr { return c.remote }

// SetValue attaches v, the user's state for this connection.
func (c *Conn) SetValue(v any) {
	c.mu.Lock()
	c.value = v
	c.mu.Unlock()
}

// Value is what SetValue attached last, or nil.
func (c *Conn) Value() any {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.value
}
