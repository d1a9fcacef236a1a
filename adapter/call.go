package adapter

import (
	"context"
	"log/slog"
	"runtime/debug"
	"sync"
	"sync/atomic"

	"github.com/valet-go/valet/loop"
)

// States of a call; the transitions are in the package doc.
const (
	waiting uint32 = iota
	running
	ended // the callback is posted, or was refused by a closed executor
)

// Call is a started call. All its methods may be called from any goroutine,
// and none blocks.
type Call struct {
	state atomic.Uint32
	held  bool
	b     *backend
	exec  loop.Executor
	ctx   context.Context
	lane  *Lane
	self  task
	drop  func(any) // or nil

	// Guarded by b.mu.
	in         *list // where it waits, or the backend's list of running calls
	prev, next *Call
	unwatch    func() bool // stops watching the context; of use once the call no longer waits

	done atomic.Pointer[doneSignal]
}

// task is what differs between calls by the type of their result.
type task interface {
	run()               // the body, then end
	end(err error) bool // posts the callback with an error; the state is ended already
}

// call is a Call with its functions and result.
type call[T any] struct {
	Call
	body  func(context.Context) (T, error)
	cb    func(T, error)
	value T
	err   error
}

// Go starts body on a goroutine of the adapter's and calls cb with its result
// on a's executor, exactly once. ctx is passed to body as it is; when it ends
// before body has started, body never runs and cb gets the context's error.
// Any goroutine; never blocks. If the call is not admitted, cb gets
// [ErrOverloaded] or [ErrClosed]. A nil body or cb panics.
func Go[T any](ctx context.Context, a *Adapter, body func(context.Context) (T, error), cb func(T, error), opts ...CallOption) *Call {
	c := newCall(ctx, a, body, cb, opts)
	if err := a.b.start(&c.Call); err != nil {
		c.state.Store(ended)
		c.end(err)
	}
	return &c.Call
}

// TryGo is [Go], but reports [ErrOverloaded] and [ErrClosed] at once: cb is
// then never called.
func TryGo[T any](ctx context.Context, a *Adapter, body func(context.Context) (T, error), cb func(T, error), opts ...CallOption) (*Call, error) {
	c := newCall(ctx, a, body, cb, opts)
	if err := a.b.start(&c.Call); err != nil {
		return nil, err
	}
	return &c.Call, nil
}

func newCall[T any](ctx context.Context, a *Adapter, body func(context.Context) (T, error), cb func(T, error), opts []CallOption) *call[T] {
	switch {
	case ctx == nil:
		panic("adapter: a call needs a context, not nil")
	case body == nil:
		panic("adapter: a call needs a body, not nil")
	case cb == nil:
		panic("adapter: a call needs a callback, not nil")
	}
	c := &call[T]{body: body, cb: cb}
	c.b, c.exec, c.ctx, c.self = a.b, a.exec, ctx, c
	for _, o := range opts {
		c.held = c.held || o.held
		if o.lane != nil {
			c.lane = o.lane
		}
		if o.drop != nil {
			c.drop = o.drop
		}
	}
	return c
}

// run is on a worker's goroutine; the state is running.
func (c *call[T]) run() {
	c.endWatch()
	var value T
	var err error
	defer func() {
		if v := recover(); v != nil {
			err = &PanicError{Value: v, Stack: debug.Stack()}
		}
		delivered := false
		if c.state.CompareAndSwap(running, ended) { // else it was abandoned
			c.value = value
			delivered = c.end(err)
		}
		if !delivered {
			c.lost(value, err)
		}
	}()
	switch err = c.ctx.Err(); {
	case err != nil:
	case c.state.Load() != running: // cancelled on the way here
		err = context.Canceled
	default:
		err = ErrGoexit
		value, err = c.body(c.ctx)
	}
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
	if err := c.exec.Post(func() { panic(p) }); err != nil {
		slog.Error("adapter: panic in a call whose executor is closed", "panic", p.Value, "stack", string(p.Stack))
	}
}

func (c *call[T]) end(err error) (delivered bool) {
	c.err = err
	if postErr := c.exec.Post(c.callBack); postErr != nil {
		c.b.undelivered.Add(1)
		c.signal()
		return false
	}
	return true
}

func (c *Call) endWatch() {
	if c.unwatch != nil {
		c.unwatch()
	}
}

// callBack is on the executor.
func (c *call[T]) callBack() {
	defer c.signal()
	c.cb(c.value, c.err)
}

// Cancel ends the call, which then calls back with [context.Canceled], and
// reports whether it did: false means that it had ended already. A call that
// waits is never run. The body of one that runs is abandoned; see the package
// doc.
func (c *Call) Cancel() bool { return c.b.cancel(c, context.Canceled, false) }

// State is where a call is in its life.
type State uint8

// The states of a call.
const (
	Waiting State = iota // for a slot, or for its turn in a lane
	Running              // its body runs
	Ended                // its callback has been posted
)

// String returns the state's name.
func (s State) String() string { return [...]string{"waiting", "running", "ended"}[s] }

// State returns where the call is in its life.
func (c *Call) State() State { return State(c.state.Load()) }

// doneSignal is made only for calls whose Done is asked for.
type doneSignal struct {
	once sync.Once
	ch   chan struct{}
}

func (d *doneSignal) close() { d.once.Do(func() { close(d.ch) }) }

// signalled stands for a Done that was never asked for.
var signalled = func() *doneSignal {
	d := &doneSignal{ch: make(chan struct{})}
	d.close()
	return d
}()

// Done returns a channel that is closed after the callback has returned, or
// when it is known that the executor, being closed, will never run it.
func (c *Call) Done() <-chan struct{} {
	if c.done.Load() == nil {
		c.done.CompareAndSwap(nil, &doneSignal{ch: make(chan struct{})})
	}
	return c.done.Load().ch
}

func (c *Call) signal() {
	if !c.done.CompareAndSwap(nil, signalled) {
		c.done.Load().close()
	}
}
