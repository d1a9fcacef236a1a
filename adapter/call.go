package adapter

import (
	"context"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/valet-go/valet/internal/owner"
)

// States of a call; the transitions are in the package doc.
const (
	waiting uint32 = iota
	running
	stopping // cancelled; its body has not returned yet
	ended    // the callback is posted, or due in a window, or was refused by a closed executor
)

// Call is a started call. All its methods may be called from any goroutine,
// and none blocks.
type Call struct {
	state    atomic.Uint32
	class    class
	policy   CancelPolicy
	detached bool // the executor's context does not end it
	a        *Adapter
	ctx      context.Context
	lane     *Lane
	self     task
	drop     func(any) // or nil
	name     string
	started  int64 // in ns since epoch
	worker   atomic.Pointer[worker]
	done     atomic.Pointer[doneSignal]
	rare     atomic.Pointer[rare]

	ctxMu   sync.Mutex    // guards ctxDone and parts of rare
	ctxDone chan struct{} // of the body's context; made when it is asked for

	// Guarded by the backend's mutex, but those of refused calls by that of
	// refusals.
	in         *list // where it waits, or the backend's lists of running calls
	prev, next *Call
	watch      place // of its context
}

// task is what differs between calls by the type of their result.
type task interface {
	run(w *worker) // the body, then end
	end(err error) // calls back with an error, or a result that is stored; the state is ended already
	post()         // posts the callback
	callBack()     // on the executor
	result() error // what the callback gets, once the call has ended
	undelivered()  // the executor is closed
}

// call is a Call with its functions and result.
type call[T any] struct {
	Call
	body  func(context.Context) (T, error)
	value T
	cb    func(T, error)
	err   error
}

// Go starts body on a goroutine of the adapter's and calls cb with its result
// on a's executor, exactly once. The context that body gets has ctx's values,
// and ends when the call is cancelled, as it is when ctx ends; see
// [CancelPolicy]. It does not end when body has returned. If the call is
// cancelled before body has started, body never runs. If it is not admitted, cb
// gets [ErrOverloaded] or [ErrClosed]. Any goroutine; never blocks. A nil ctx,
// body or cb panics.
func Go[T any](ctx context.Context, a *Adapter, body func(context.Context) (T, error), cb func(T, error), opts ...CallOption) *Call {
	c := newCall(ctx, a, body, cb, opts)
	if err := a.b.start(&c.Call); err != nil {
		c.state.Store(ended)
		c.refuse(err)
	}
	return &c.Call
}

// TryGo is [Go], but reports [ErrOverloaded] and [ErrClosed] at once: cb is
// then never called.
func TryGo[T any](ctx context.Context, a *Adapter, body func(context.Context) (T, error), cb func(T, error), opts ...CallOption) (*Call, error) {
	c := newCall(ctx, a, body, cb, opts)
	if err := a.b.start(&c.Call); err != nil {
		c.state.Store(ended)
		if w := c.window(); w != nil {
			defer w.settle(&c.Call, true)
		}
		c.hookEnd(err, true)
		return nil, err
	}
	return &c.Call, nil
}

func newCall[T any](ctx context.Context, a *Adapter, body func(context.Context) (T, error), cb func(T, error), opts []CallOption) *call[T] {
	switch {
	case ctx == nil:
		panic("adapter: a call needs a context, not nil")
	case a == nil:
		panic("adapter: a call needs an adapter, not nil")
	case body == nil:
		panic("adapter: a call needs a body, not nil")
	case cb == nil:
		panic("adapter: a call needs a callback, not nil")
	}
	c := &call[T]{body: body, cb: cb}
	c.a, c.ctx, c.self, c.started = a, ctx, c, now()
	var o CallOption
	for i := range opts {
		o.merge(&opts[i])
	}
	c.apply(&o)
	c.hookStart()
	if w := c.window(); w != nil {
		w.enter(&c.Call)
	}
	return c
}

// apply sets what the options and the backend say.
func (c *Call) apply(o *CallOption) {
	s := &c.a.b.settings
	c.class, c.detached, c.lane, c.drop, c.name, c.policy = o.class, o.detach, o.lane, o.drop, o.name, s.policy
	if o.policy != 0 {
		c.policy = o.policy - 1
	}
	timeout := o.timeout
	if timeout == 0 && c.class == short {
		timeout = s.timeout
	}
	if timeout > 0 {
		c.needRare().deadline = time.Now().Add(timeout)
	}
	if o.window != nil {
		c.needRare().window = o.window
	}
}

// window returns the window that the call is in, or nil.
func (c *Call) window() *Window {
	if r := c.rare.Load(); r != nil {
		return r.window
	}
	return nil
}

// run is on w's goroutine; the state has been running.
func (c *call[T]) run(w *worker) {
	c.worker.Store(w)
	var value T
	var err error
	defer func() { c.finish(value, err) }() // also if a hook ends the goroutine
	defer func() {
		if v := recover(); v != nil {
			p := &PanicError{Value: v, Stack: debug.Stack()}
			err = p
			c.a.b.countPanic()
			c.hookPanic(p)
		}
	}()
	c.lastLook()
	switch c.state.Load() {
	case running:
		if len(c.hooks()) > 0 {
			c.rare.Load().began.Store(now())
		}
		err = ErrGoexit
		value, err = c.body((*bodyContext)(&c.Call))
	case stopping: // cancelled on the way here
		err = c.rare.Load().cause
	default:
		err = context.Canceled // which nobody hears
	}
}

// lastLook cancels c, whose body is about to begin, if a context that is to end
// it has ended and the watch of that has not told it yet.
func (c *Call) lastLook() {
	err := c.ctx.Err()
	if r := c.rare.Load(); err == nil && r != nil && r.life != nil {
		err = r.life.Err()
	}
	if err != nil {
		b := c.a.b
		b.mu.Lock()
		b.tellLocked(c, err)
		b.mu.Unlock()
	}
}

// end makes the call call back. Whoever has made the state ended calls it.
func (c *call[T]) end(err error) {
	c.err = err
	defer c.due() // also if a hook ends the goroutine
	c.hookEnd(err, false)
}

// due makes the callback run as soon as it may.
func (c *call[T]) due() {
	if w := c.window(); w != nil {
		w.settle(&c.Call, false)
		return
	}
	c.post()
}

// refuse is end for a call that was not admitted.
func (c *call[T]) refuse(err error) {
	c.err = err
	if c.window() != nil {
		defer c.due()
	} else {
		defer c.a.b.refusals.add(&c.Call)
	}
	c.hookEnd(err, true)
}

func (c *call[T]) post() {
	if c.a.exec.Post(c.callBack) != nil {
		c.undelivered()
	}
}

// undelivered is told that the callback will never run.
func (c *call[T]) undelivered() {
	c.a.b.undelivered.Add(1)
	c.signal(true)
	if c.window() != nil && c.err == nil && c.drop != nil { // on the goroutine of another call, perhaps
		go c.lost(c.value, nil)
		return
	}
	c.lost(c.value, c.err)
}

// callBack is on the executor.
func (c *call[T]) callBack() {
	defer c.signal(false)
	onExecutor(c.deliver)
}

func (c *call[T]) deliver() { c.cb(c.value, c.err) }

func (c *call[T]) result() error { return c.err }

// onExecutor runs a function of the user's on the executor's goroutine, which
// is marked as one that must not block. Loops and front ends have done that
// themselves.
func onExecutor(f func()) {
	if !owner.Here() {
		defer owner.Mark()()
	}
	f()
}

// Cancel cancels the call, with [context.Canceled], and reports whether it did:
// false means that it had ended, or been cancelled, already. A call that waits
// calls back at once and never runs. What becomes of one that runs is said by
// its [CancelPolicy].
func (c *Call) Cancel() bool { return c.a.b.cancel(c, context.Canceled) }

// Name returns what was given to [Name], or "".
func (c *Call) Name() string { return c.name }

// State is where a call is in its life.
type State uint8

// The states of a call.
const (
	Waiting  State = iota // for a slot, or for its turn in a lane
	Running               // its body runs
	Stopping              // it was cancelled, and its body has not returned yet
	Ended                 // its callback has been posted, or waits in a window
)

// String returns the state's name.
func (s State) String() string { return [...]string{"waiting", "running", "stopping", "ended"}[s] }

// State returns where the call is in its life.
func (c *Call) State() State { return State(c.state.Load()) }
