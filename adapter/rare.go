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

	// Set before the call starts, or under the backend's mutex.
	life      place // of its executor's context
	deadline  time.Time
	timer     *time.Timer
	cause     error // why it is being stopped; before its state is
	abandoned bool

	hookCtx []context.Context // what the Start of each hook returned

	began atomic.Int64 // when its body began, if somebody wants to know

	// Guarded by the call's ctxMu.
	over  bool  // the body has returned: its context does not end any more
	err   error // of the body's context
	after map[*byte]func()

	mu      sync.Mutex // guards the rest
	killer  *killer
	told    bool  // the call was cancelled with policy Kill
	killErr error // why that failed
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
}
