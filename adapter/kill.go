package adapter

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"
)

// killPatience is how long a function given to Killable may take at most; but
// no longer than the grace. It may have to dial.
const killPatience = 5 * time.Second

// Killable lets a body say how the server can be made to stop what the body is
// about to ask of it: by KILL QUERY over another connection, say. If the call
// is cancelled with policy [Kill] before release is called, kill runs, once,
// on a goroutine of the adapter's, with a context that bounds it, which it must
// heed. release waits for it, so that it cannot hit what the connection is asked
// next; call it as soon as the server has answered. A body that returns has
// released all. The newest kill of a call replaces the one before.
//
// ctx is the one that the body was given, or made from it; with another, or in
// a call with another policy, Killable does nothing. Body's goroutine, or any
// other that works for it; release may block, Killable does not.
func Killable(ctx context.Context, kill func(context.Context) error) (release func()) {
	if kill == nil {
		panic("adapter: Killable needs a function, not nil")
	}
	c, _ := ctx.Value(callKey{}).(*Call)
	if c == nil || c.policy != Kill {
		return func() {}
	}
	r := c.needRare()
	k := &killer{kill: kill}
	r.mu.Lock()
	defer r.mu.Unlock()
	c.ctxMu.Lock()
	defer c.ctxMu.Unlock()
	if r.told || r.over { // too late: its context ends or has ended, or the body has returned
		return func() {}
	}
	r.killer = k
	return func() { r.release(k) }
}

// PolicyOf returns the policy of the call whose body was given ctx, or a
// context that ctx was made from; without one, [Close]. If that call was
// cancelled, and its body is to stop, the error says why; with the policy [Kill]
// that is so from the moment in which [Killable] would come too late, while the
// context itself ends later. For what can be killed only at some cost. Body's
// goroutine, or any other that works for it; does not block.
func PolicyOf(ctx context.Context) (CancelPolicy, error) {
	c, _ := ctx.Value(callKey{}).(*Call)
	if c == nil {
		return Close, nil
	}
	r := c.rare.Load()
	if r == nil || c.policy != Kill {
		return c.policy, (*bodyContext)(c).Err()
	}
	r.mu.Lock()
	told := r.told
	r.mu.Unlock()
	c.ctxMu.Lock()
	defer c.ctxMu.Unlock()
	if told && !r.over {
		return Kill, r.cause
	}
	return Kill, r.err
}

// release makes k harmless, if it is still the call's; nil stands for whatever
// is.
func (r *rare) release(k *killer) {
	r.mu.Lock()
	if k == nil {
		k = r.killer
	}
	var busy chan struct{}
	if k != nil {
		busy = k.busy
	}
	if busy == nil && r.killer == k {
		r.killer = nil
	}
	r.mu.Unlock()
	if busy != nil {
		<-busy
	}
}

// kill makes the server stop, or reports that it does not know how.
func (c *Call) kill() bool {
	r := c.rare.Load()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.told = true
	k := r.killer
	if k == nil {
		return false
	}
	k.busy = make(chan struct{})
	go k.run(c)
	return true
}

// run makes the server stop, and stops the body as by Close if that fails, or
// does not help within the grace.
func (k *killer) run(c *Call) {
	b := c.a.b
	patience := min(b.settings.grace, b.settings.killing)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.ctx), patience)
	late := time.AfterFunc(patience, func() { b.stop(c) }) // kill may not heed ctx
	err := ErrGoexit
	defer func() {
		if v := recover(); v != nil {
			err = &PanicError{Value: v, Stack: debug.Stack()}
		}
		cancel()
		late.Stop()
		if err != nil {
			k.err = fmt.Errorf("adapter: killing: %w", err)
		}
		close(k.busy)
		if err != nil {
			b.stop(c)
		} else {
			b.afterGrace(c, b.stop)
		}
	}()
	err = k.kill(ctx)
}
