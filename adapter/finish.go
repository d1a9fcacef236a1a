package adapter

import (
	"context"
	"log/slog"
	"runtime/debug"
	"time"
)

// finish is told what the body returned.
func (c *call[T]) finish(value T, err error) {
	for {
		state := c.state.Load()
		c.returned()        // after the look: whoever has changed the state has made rare before
		if state == ended { // abandoned
			c.lost(value, err)
			return
		}
		result, kept := c.early(err), true
		if state == stopping {
			result, kept = c.stopped(err)
		}
		switch {
		case !c.state.CompareAndSwap(state, ended):
		case kept:
			c.value = value
			c.end(result)
			return
		default:
			defer c.lost(value, nil) // also if a hook ends the goroutine
			c.end(result)
			return
		}
	}
}

// stopped returns the error of a call that was cancelled and whose body has
// returned err. A result that holds something is not kept: most likely that has
// ended with the body's context.
func (c *Call) stopped(err error) (result error, kept bool) {
	r := c.rare.Load()
	if err == nil {
		if c.drop != nil && (*bodyContext)(c).Err() != nil {
			return r.cause, false
		}
		return nil, true
	}
	r.mu.Lock()
	if k := r.killer; k != nil && k.err != nil {
		err = &stoppedError{err, k.err}
	}
	r.mu.Unlock()
	return because(r.cause, err), true
}

// returned notes that c's body has returned: now its context does not end any
// more, nothing is killed, and nothing is closed.
func (c *Call) returned() {
	if r := c.rare.Load(); r != nil {
		c.ctxMu.Lock()
		r.over = true
		c.ctxMu.Unlock()
		r.release(nil)
	}
}

// early returns the error of a body that failed before its call was cancelled.
// Drivers that act on deadlines by themselves may be quicker than we are.
func (c *Call) early(err error) error {
	if err == nil {
		return nil
	}
	if at, ok := (*bodyContext)(c).Deadline(); ok && !time.Now().Before(at) {
		return because(context.DeadlineExceeded, err)
	}
	return because(c.ctx.Err(), err)
}

// lost is told of a result that no callback will get.
func (c *call[T]) lost(value T, err error) {
	defer func() {
		if v := recover(); v != nil {
			c.report(&PanicError{Value: v, Stack: debug.Stack()})
		}
	}()
	switch p, panicked := err.(*PanicError); {
	case panicked:
		c.report(p)
	case err == nil && c.drop != nil:
		c.drop(value)
	}
}

// report makes the executor hear of a panic that no callback hears of.
func (c *call[T]) report(p *PanicError) {
	if err := c.a.exec.Post(func() { panic(p) }); err != nil {
		slog.Error("adapter: panic in a call whose executor is closed", "panic", p.Value, "stack", string(p.Stack))
	}
}
