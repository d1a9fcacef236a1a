package adapter

import (
	"errors"
	"slices"
	"sync"
	"sync/atomic"
)

// doneSignal is made only for calls that somebody waits for.
type doneSignal struct {
	mu    sync.Mutex    // guards the rest
	ch    chan struct{} // made when it is asked for
	over  bool
	lost  bool
	funcs []func(lost bool)
}

// signalled and signalledLost stand for the signals of calls that nobody waited
// for.
var signalled, signalledLost = &doneSignal{over: true}, &doneSignal{over: true, lost: true}

// Done returns a channel that is closed after the callback has returned, or
// when it is known that the executor, being closed, will never run it.
func (c *Call) Done() <-chan struct{} {
	d := c.doneSignal()
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.ch == nil {
		d.ch = make(chan struct{})
		if d.over {
			close(d.ch)
		}
	}
	return d.ch
}

// whenDone makes f run when Done is closed. f is told whether there was no
// callback.
func (c *Call) whenDone(f func(lost bool)) {
	d := c.doneSignal()
	d.mu.Lock()
	over := d.over
	if !over {
		d.funcs = append(d.funcs, f)
	}
	d.mu.Unlock()
	if over {
		f(d.lost)
	}
}

func (c *Call) doneSignal() *doneSignal {
	if d := c.done.Load(); d != nil {
		return d
	}
	c.done.CompareAndSwap(nil, new(doneSignal))
	return c.done.Load()
}

func (c *Call) signal(lost bool) {
	static := signalled
	if lost {
		static = signalledLost
	}
	if c.done.CompareAndSwap(nil, static) {
		return
	}
	d := c.done.Load()
	d.mu.Lock()
	d.over, d.lost = true, lost
	funcs := d.funcs
	d.funcs = nil
	if d.ch != nil {
		close(d.ch)
	}
	d.mu.Unlock()
	for _, f := range funcs {
		f(lost)
	}
}

// Join calls cb, on a's executor, once all the calls have called back: with nil
// if all succeeded, or else with their errors, joined by [errors.Join] in the
// order of the calls. Their results are what their own callbacks got. A call that
// succeeded, but could not call back because its executor was closed, counts with
// [ErrClosed]. A call may be given more than once, and may have ended already;
// without calls, cb is called as soon as the executor gets to it. Any
// goroutine; does not block. A nil a, cb or call panics.
func Join(a *Adapter, cb func(error), calls ...*Call) {
	if a == nil || cb == nil || slices.Contains(calls, nil) {
		panic("adapter: Join needs an adapter, a callback and calls, not nil")
	}
	errs := make([]error, len(calls))
	var left atomic.Int64
	left.Store(int64(len(calls)) + 1)
	part := func() {
		if left.Add(-1) > 0 {
			return
		}
		err := errors.Join(errs...)
		if a.exec.Post(func() { onExecutor(func() { cb(err) }) }) != nil {
			a.b.undelivered.Add(1)
		}
	}
	for i, c := range calls {
		c.whenDone(func(lost bool) {
			if errs[i] = c.self.result(); lost && errs[i] == nil {
				errs[i] = ErrClosed
			}
			part()
		})
	}
	part()
}
