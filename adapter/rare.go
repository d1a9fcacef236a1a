package adapter

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// rare is what few calls need. It is made when it is first needed.
type rare struct {
	windowed // guarded by the window's mutex

	// Set before the call starts.
	life     context.Context // its executor's, if the end of that cancels it
	deadline time.Time

	// Guarded by the backend's mutex.
	place     place       // in the watch of life
	timer     *time.Timer // of deadline
	grace     *time.Timer // until something sterner is done to the body
	abandoned bool        // the call has ended, and its body goes on

	cause error // why the call was cancelled; set before its state says so

	hookCtx []context.Context // what the Start of each hook returned

	began atomic.Int64 // when its body began, if somebody wants to know

	// Guarded by the call's ctxMu.
	err   error  // of the body's context
	after *after // the first of those to run when it ends
	over  bool   // the body has returned: its context does not end any more

	told   bool       // the call was cancelled with policy Kill
	mu     sync.Mutex // guards told and killer; while it is held, the body does not return
	killer *killer
}

func (c *Call) needRare() *rare {
	r := c.rare.Load()
	if r == nil {
		r = new(rare)
		if !c.rare.CompareAndSwap(nil, r) {
			r = c.rare.Load()
		}
	}
	return r
}

// killer is what a body gave to Killable.
type killer struct {
	kill func(context.Context) error
	busy chan struct{} // closed when kill has returned; nil: it was not called
	err  error         // why killing has failed; set before busy is closed
}
