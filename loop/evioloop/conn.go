//go:build linux || darwin || freebsd

package evioloop

import (
	"context"
	"io"
	"net"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/valet-go/valet/loop"
)

// state is how far the end of a connection has come. It only ever grows.
//
//	from     to       when
//	open     closing  Close; the server stops; a callback panicked; the client
//	                  ended and output is pending
//	open     shut     as above, with nothing to send; a write failed
//	closing  shut     the last byte was sent; a write failed; Grace is over
//	shut     closed   evio has noticed, and closed its descriptor
//	any      closed   evio has closed its descriptor, and nothing is to be sent
type state uint8

const (
	open    state = iota // takes output
	closing              // takes none; what is buffered is still sent
	shut                 // shutdown(2) was called, which evio will notice
	closed               // the duplicate descriptor is closed
)

// Conn is a connection, and an executor: what is posted to it runs on the evio
// goroutine that serves it. Any goroutine may call its methods, and none of
// them blocks.
type Conn struct {
	run    *run
	evioFD int // evio's own descriptor, a number to tell evio's poll
	local  net.Addr
	remote net.Addr

	mu      sync.Mutex // guards what follows, and every system call on fd
	fd      int        // our duplicate
	state   state
	gone    bool  // evio has closed its descriptor: ours is the only one
	adopted bool  // evio's poll knows the connection by fd
	reason  error // why it ends; set with the first change of state
	out     []byte
	off     int          // out[off:] waits to be sent
	handle  *loop.Handle // waits for room to send; nil while there is room
	ctx     context.Context
	cancel  context.CancelCauseFunc
	value   any

	ended bool // Closed was called; executor's goroutine only
}

var (
	_ loop.Executor   = (*Conn)(nil)
	_ io.WriteCloser  = (*Conn)(nil)
	_ io.StringWriter = (*Conn)(nil)
)

// Post makes fn run on c's loop, after the callback that runs there has
// returned, and in order of posting. It keeps working after c has closed, for
// as long as Serve runs, so that whoever posts a result gets it delivered. Once
// Serve has ended it reports [loop.ErrClosed] and fn never runs; whatever was
// accepted runs exactly once.
func (c *Conn) Post(fn func()) error {
	if fn == nil {
		panic("evioloop: Post needs a function, not nil")
	}
	return c.run.q.post(posted{fn, c})
}

// Close closes the connection when the output written so far has been sent;
// the context ends at once. A second call, or one on a connection that is
// closing already, reports [net.ErrClosed].
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
	if len(c.out) == 0 {
		c.shutLocked()
	}
	c.mu.Unlock()
	c.endContext()
	return true
}

// shutLocked tells evio, which is the only one to take the connection out of
// its tables, by shutting the socket down: evio reads an end of file. If evio
// has ended its part, nothing more is needed than to close.
func (c *Conn) shutLocked() {
	if c.state >= shut {
		return
	}
	c.dropOutputLocked()
	c.state = shut
	if !c.gone {
		// An error means that the peer has reset the connection, which evio
		// hears of as well.
		_ = unix.Shutdown(c.fd, unix.SHUT_RDWR)
		return
	}
	c.releaseLocked()
	// On a closed queue Serve has called end already.
	_ = c.run.q.post(posted{c.end, nil})
}

// releaseLocked closes the duplicate. The flusher's registration ends first,
// since it would outlive the descriptor if a child process held a copy.
func (c *Conn) releaseLocked() {
	c.dropOutputLocked()
	if c.state != closed {
		unix.Close(c.fd)
		c.fd, c.state = -1, closed
	}
}

// evioClosed is evio's word that it has closed its descriptor: err is nil after
// an end of file. It runs on the loop.
func (c *Conn) evioClosed(err error) {
	c.mu.Lock()
	c.gone = true
	if c.adopted {
		disown(c.run.pollFD, c.fd)
	}
	// Evio's poll would report a connection that was never adopted, and is
	// kept, for ever.
	keep := c.adopted && err == nil
	hook := c.run.srv.EOF != nil && c.state == open && !c.run.stopping.Load()
	switch {
	case keep && hook:
		c.mu.Unlock()
		c.run.callEOF(c)
		return
	case keep && c.state < shut && len(c.out) > 0:
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
	c.releaseLocked()
	c.mu.Unlock()
	c.end()
}

// abort ends the connection whatever state it is in and whatever is pending,
// for a server that ends. The caller calls end.
func (c *Conn) abort(reason error) {
	c.mu.Lock()
	if c.state == open || len(c.out) > 0 {
		c.reason = reason
	}
	c.gone = true
	c.releaseLocked()
	c.mu.Unlock()
}

// end reports the end, on the executor's goroutine.
func (c *Conn) end() {
	if c.ended {
		return
	}
	c.ended = true
	c.endContext()
	c.run.forget(c)
	c.run.callClosed(c)
}

// Context ends when the connection closes, or is closed, with the reason as
// its cause: io.EOF, or else what [Server.Closed] is told. It is made by the
// first call.
func (c *Conn) Context() context.Context {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ctx == nil {
		c.ctx, c.cancel = context.WithCancelCause(context.Background())
		if c.state != open {
			c.cancel(c.reason)
		}
	}
	return c.ctx
}

// endContext cancels the context, without the mutex: that runs whatever hangs
// off it.
func (c *Conn) endContext() {
	c.mu.Lock()
	cancel, reason := c.cancel, c.reason
	c.mu.Unlock()
	if cancel != nil {
		cancel(reason)
	}
}

// LocalAddr is the address that the client connected to.
func (c *Conn) LocalAddr() net.Addr {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.fd >= 0 {
		if a := boundAddr(c.fd); a != nil {
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
