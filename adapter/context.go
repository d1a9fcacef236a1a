package adapter

import "time"

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

// Done returns a channel that is closed when the body is to stop.
func (x *bodyContext) Done() <-chan struct{} {
	r := x.call().needRare()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.done == nil {
		r.done = make(chan struct{})
		if r.err != nil {
			close(r.done)
		}
	}
	return r.done
}

// Err returns nil until the body is to stop.
func (x *bodyContext) Err() error {
	r := x.rare.Load()
	if r == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.err
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
	r := x.call().needRare()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err != nil {
		go f()
		return func() bool { return false }
	}
	key := new(byte)
	if r.after == nil {
		r.after = map[*byte]func(){}
	}
	r.after[key] = f
	return func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		_, waits := r.after[key]
		delete(r.after, key)
		return waits
	}
}

// endContext tells the body to stop.
func (c *Call) endContext(cause error) {
	r := c.needRare()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err != nil || r.over {
		return
	}
	r.err = contextError(cause)
	if r.done != nil {
		close(r.done)
	}
	for _, f := range r.after {
		go f()
	}
	r.after = nil
}
