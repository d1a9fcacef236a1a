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
// on a goroutine of the adapter's, with a context that bounds it. release waits
// for it, so that it cannot hit what the connection is asked next; call it as
// soon as the server has answered. A body that returns has released all. The
// newest kill of a call replaces the one before.
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
	if r.told { // too late: its context ends, or has ended
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
	if k == nil {
		r.mu.Unlock()
		return
	}
	if r.killer == k {
		r.killer = nil
	}
	busy := k.busy
	r.mu.Unlock()
	if busy != nil {
		<-busy
	}
}

// kill makes the server stop, or reports that it does not know how.
func (c *Call) kill(cause error) bool {
	r := c.needRare()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.told = true
	k := r.killer
	if k == nil {
		return false
	}
	k.busy = make(chan struct{})
	go func() {
		err := k.run(c.ctx, c.a.b.settings.grace)
		r.mu.Lock()
		r.killErr = err
		r.mu.Unlock()
		close(k.busy)
		if err != nil {
			c.a.b.stop(c, cause)
			return
		}
		time.AfterFunc(c.a.b.settings.grace, func() { c.a.b.stop(c, cause) })
	}()
	return true
}

func (k *killer) run(ctx context.Context, grace time.Duration) (err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), min(grace, killPatience))
	defer cancel()
	defer func() {
		if v := recover(); v != nil {
			err = &PanicError{Value: v, Stack: debug.Stack()}
		}
	}()
	if err := k.kill(ctx); err != nil {
		return fmt.Errorf("adapter: killing: %w", err)
	}
	return nil
}
