package adapter

import (
	"context"

	"github.com/valet-go/valet/internal/owner"
	"github.com/valet-go/valet/loop"
)

// Adapter starts calls on a backend, with callbacks on an executor. It is a
// small view of a backend; [Adapter.On] returns another.
type Adapter struct {
	b    *backend
	exec loop.Executor
	life lifetime // of the executor, or nil
	l    *loop.Loop
}

// lifetime is what an executor has that ends before its loop does.
type lifetime interface{ Context() context.Context }

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
// such as a front end's connection. If exec has a method Context that returns a
// [context.Context], as such a connection has, the end of that context cancels
// the calls of the view, those made with [Releasing] excepted; each still calls
// back, provided that exec accepts it. Context is called for each call, and may
// return nil.
func (a *Adapter) On(exec loop.Executor) *Adapter {
	if exec == nil {
		panic("adapter: On needs an executor, not nil")
	}
	view := *a
	view.exec = exec
	view.life, _ = exec.(lifetime)
	return &view
}

// Executor returns where callbacks run.
func (a *Adapter) Executor() loop.Executor { return a.exec }

// CancelPolicy returns the policy of the backend, for wrappers that can kill
// only if they prepare for it.
func (a *Adapter) CancelPolicy() CancelPolicy { return a.b.settings.policy }

// Loop returns the loop given to [New].
func (a *Adapter) Loop() *loop.Loop { return a.l }

// Refuse makes the backend, and those made from it, admit no more calls but
// held ones, as Close does, without waiting. Any goroutine.
func (a *Adapter) Refuse() { a.b.refuse(nil) }

// Close ends the backend, and those made from it. Calls are no longer
// admitted, except held ones, which may be needed to finish what runs; those
// admitted before are waited for. When ctx ends first, all that are left call
// back with [ErrClosed] at once, the bodies that run are stopped as by the
// policy [Close], abandoned ones as when there are too many, and Close returns
// an error that wraps the context's. It blocks, and on the goroutine of a loop or front end does nothing
// but return [loop.ErrWouldBlockLoop]. A second call waits as well.
func (a *Adapter) Close(ctx context.Context) error {
	if owner.Here() {
		return loop.ErrWouldBlockLoop
	}
	return a.b.close(ctx)
}
