package adapter

import (
	"context"
	"fmt"

	"github.com/valet-go/valet/internal/owner"
	"github.com/valet-go/valet/loop"
)

// Adapter starts calls on a backend, with callbacks on an executor. It is a
// small view of a backend; [Adapter.On] returns another.
type Adapter struct {
	b    *backend
	exec loop.Executor
	l    *loop.Loop
}

// Option configures a backend.
type Option func(*limits)

type limits struct{ slots, queue int }

// Defaults of [New] and [Adapter.Backend].
const (
	DefaultSlots = 64
	DefaultQueue = 1 << 16
)

// WithSlots sets how many calls of the backend may run at once, held ones not
// counted: at least 1, or it panics; by default [DefaultSlots]. For a driver
// with a pool, take the size of the pool.
func WithSlots(n int) Option {
	if n < 1 {
		panic(fmt.Sprintf("adapter: WithSlots(%d): a backend needs at least one slot", n))
	}
	return func(l *limits) { l.slots = n }
}

// WithQueue sets how many calls may wait for a slot: 0 or more, or it panics;
// by default [DefaultQueue]. As many may wait for their turn in each lane. A
// slot is freed just after the callback has been posted, so with no queue at
// all a callback may find that its own call's slot is still taken.
func WithQueue(n int) Option {
	if n < 0 {
		panic(fmt.Sprintf("adapter: WithQueue(%d): the bound cannot be negative", n))
	}
	return func(l *limits) { l.queue = n }
}

// New returns an adapter whose callbacks run on l, with a backend of its own,
// to which the options apply.
func New(l *loop.Loop, opts ...Option) *Adapter {
	if l == nil {
		panic("adapter: New needs a loop, not nil")
	}
	return &Adapter{b: newBackend("default", nil, opts), exec: l, l: l}
}

// Backend returns an adapter with the same executor and a backend of its own,
// which has slots and a queue of its own, and is closed with a's at the
// latest. Errors name it.
func (a *Adapter) Backend(name string, opts ...Option) *Adapter {
	view := *a
	view.b = newBackend(name, a.b, opts)
	return &view
}

// On returns an adapter with the same backend whose callbacks run on exec,
// such as a front end's connection.
func (a *Adapter) On(exec loop.Executor) *Adapter {
	if exec == nil {
		panic("adapter: On needs an executor, not nil")
	}
	view := *a
	view.exec = exec
	return &view
}

// Executor returns where callbacks run.
func (a *Adapter) Executor() loop.Executor { return a.exec }

// Loop returns the loop given to [New].
func (a *Adapter) Loop() *loop.Loop { return a.l }

// Stats returns what the backend is doing and has done.
func (a *Adapter) Stats() Stats { return a.b.stats() }

// Refuse makes the backend, and those made from it, admit no more calls but
// held ones, as Close does, without waiting. Any goroutine.
func (a *Adapter) Refuse() { a.b.refuse(nil) }

// Close ends the backend, and those made from it. Calls are no longer
// admitted, except held ones, which may be needed to finish what runs; those
// admitted before are waited for. When ctx ends first, those that wait end,
// and those that run are abandoned, with [ErrClosed], and Close returns the
// context's error. It blocks, and on the goroutine of a loop or front end does
// nothing but return [loop.ErrWouldBlockLoop]. A second call waits as well.
func (a *Adapter) Close(ctx context.Context) error {
	if owner.Here() {
		return loop.ErrWouldBlockLoop
	}
	return a.b.close(ctx)
}

// CallOption modifies one call.
type CallOption struct {
	held bool
	lane *Lane
	drop func(any)
}

// Held marks a call that works on a connection which the caller already
// holds. It takes no slot, and never waits for one.
func Held() CallOption { return CallOption{held: true} }

// In makes a call one of a lane's.
func In(lane *Lane) CallOption {
	if lane == nil {
		panic("adapter: In needs a lane, not nil")
	}
	return CallOption{lane: lane}
}

// OnDrop names what to do with a result that no callback will get, because the
// call was cancelled while its body ran, or the executor was closed: release
// what it holds. It is called with the body's value, on a goroutine of the
// adapter's, and may block; not if the body failed.
func OnDrop(drop func(value any)) CallOption { return CallOption{drop: drop} }

// Lane makes calls run one after another, in the order in which they were
// started, and call back in that order; only those that are cancelled while
// they wait call back at once, out of turn. The zero value is ready; use one
// lane with one backend.
type Lane struct {
	// Both are guarded by the backend's mutex.
	waiting list
	busy    bool // one of its calls is admitted and has not returned
}
