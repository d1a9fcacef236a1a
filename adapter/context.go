package adapter

import (
	"fmt"
	"time"
)

// bodyContext is the context of a call's body: the one given to the call, but
// that it ends when the call is told to stop, and only then. So once the body
// has returned it does not end any more, and what the body began with it, such
// as a transaction, outlives the call. It is the call itself, and costs no
// memory of its own until somebody asks for Done.
type bodyContext Call

func (x *bodyContext) call() *Call { return (*Call)(x) }

// Deadline returns the earlier one of the context's and of the timeout's. With
// the policies that let the body go on past it, there is none.
func (x *bodyContext) Deadline() (time.Time, bool) {
	if x.policy != Close {
		return time.Time{}, false
	}
	at, ok := x.ctx.Deadline()
	if r := x.rare.Load(); r != nil && !r.deadline.IsZero() && (!ok || r.deadline.Before(at)) {
		return r.deadline, true
	}
	return at, ok
}

// Done returns a channel that is closed when the body is to stop. With the
// policy Abandon there is none: drivers do more work for a context that can end.
func (x *bodyContext) Done() <-chan struct{} {
	if x.policy == Abandon {
		return nil
	}
	x.ctxMu.Lock()
	defer x.ctxMu.Unlock()
	if x.ctxDone == nil {
		x.ctxDone = make(chan struct{})
		if r := x.rare.Load(); r != nil && r.err != nil {
			close(x.ctxDone)
		}
	}
	return x.ctxDone
}

// Err returns nil until the body is to stop. It sees the end of the context that
// was given to the call at once, and does not wait for the watch of that.
func (x *bodyContext) Err() error {
	if x.policy == Close {
		x.look()
	}
	r := x.rare.Load()
	if r == nil {
		return nil
	}
	x.ctxMu.Lock()
	defer x.ctxMu.Unlock()
	return r.err
}

// look does what the watch of the context is about to do, if it is.
func (x *bodyContext) look() {
	if err := x.ctx.Err(); err != nil && x.state.Load() == running {
		x.a.b.cancel(x.call(), err)
	}
	if x.state.Load() == stopping { // somebody has cancelled it, and comes to this
		x.a.b.stop(x.call())
	}
}

// callKey is the key of the call itself.
type callKey struct{}

// Value returns the value of the context given to the call.
func (x *bodyContext) Value(key any) any {
	if _, ok := key.(callKey); ok {
		return x.call()
	}
	return x.ctx.Value(key)
}

// AfterFunc is what package context asks its parents for, so that a context
// made from this one costs no goroutine.
func (x *bodyContext) AfterFunc(f func()) (stop func() bool) {
	if x.policy == Abandon {
		return func() bool { return true }
	}
	r := x.call().needRare()
	x.ctxMu.Lock()
	defer x.ctxMu.Unlock()
	if r.err != nil {
		go f()
		return func() bool { return false }
	}
	n := &after{x: x, f: f, waits: true, next: r.after}
	if n.next != nil {
		n.next.prev = n
	}
	r.after = n
	return n.stop
}

// after is a function that runs when the body's context ends, in a list of them.
// The call's ctxMu guards it.
type after struct {
	x          *bodyContext
	f          func()
	waits      bool
	prev, next *after
}

// stop is what AfterFunc returns.
func (n *after) stop() bool {
	n.x.ctxMu.Lock()
	defer n.x.ctxMu.Unlock()
	if !n.waits {
		return false
	}
	n.waits = false
	if n.prev != nil {
		n.prev.next = n.next
	} else {
		n.x.rare.Load().after = n.next
	}
	if n.next != nil {
		n.next.prev = n.prev
	}
	return true
}

// String is what package fmt shows, in place of all fields of the call.
func (x *bodyContext) String() string { return fmt.Sprintf("%v.Call(%q)", x.ctx, x.name) }

// endContext tells the body of c, which was cancelled, to stop, and reports
// whether it did: not if it has been told before, or has returned.
func (c *Call) endContext() bool {
	r := c.rare.Load()
	err := contextError(r.cause)
	c.ctxMu.Lock()
	defer c.ctxMu.Unlock()
	if r.err != nil || r.over {
		return false
	}
	r.err = err
	if c.ctxDone != nil {
		close(c.ctxDone)
	}
	for n := r.after; n != nil; n = n.next {
		n.waits = false
		go n.f()
	}
	r.after = nil
	return true
}
