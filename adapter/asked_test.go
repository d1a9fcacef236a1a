package adapter

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/valet-go/valet/loop"
)

// asked is a call whose body shows its context and runs until it is told to
// return, whatever becomes of the context.
type asked struct {
	*Call
	ctx     context.Context // the body's
	outcome chan outcome[string]
	result  func(error) // makes the body return, with "asked" and the error
}

// ask starts a call and waits until its body runs.
func ask(ctx context.Context, t testing.TB, a *Adapter, opts ...CallOption) *asked {
	t.Helper()
	ctxs, results := make(chan context.Context, 1), make(chan error, 1)
	cb, got := into[string]()
	c := Go(ctx, a, func(ctx context.Context) (string, error) {
		ctxs <- ctx
		return "asked", <-results
	}, cb, opts...)
	body := await(t, ctxs)
	var once sync.Once
	s := &asked{c, body, got, func(err error) { once.Do(func() { results <- err }) }}
	t.Cleanup(func() { s.result(nil) })
	return s
}

// never starts a call that is to wait, and whose body must not run.
func never(ctx context.Context, t testing.TB, a *Adapter, opts ...CallOption) *asked {
	cb, got := into[string]()
	c := Go(ctx, a, func(context.Context) (string, error) {
		t.Error("the body of a call that was cancelled while it waited ran")
		return "", nil
	}, cb, opts...)
	if s := c.State(); s != Waiting {
		t.Errorf("the call is %v, want it to wait", s)
	}
	return &asked{c, nil, got, nil}
}

// wantOnce wants no second callback, after all bodies have returned.
func (s *asked) wantOnce(t testing.TB) {
	t.Helper()
	eventually(t, "all bodies returned", func() bool { return s.a.Stats().Running == 0 })
	on(t, s.a, func() {})
	if len(s.outcome) > 0 {
		t.Error("called back twice")
	}
}

// frontend is an executor with a context of its own, as a front end's connection
// is.
type frontend struct {
	loop.Executor
	ctx context.Context
	end context.CancelFunc
}

func newFrontend(t testing.TB, a *Adapter) *frontend {
	m := &frontend{Executor: a.Loop()}
	m.ctx, m.end = context.WithCancel(bg)
	t.Cleanup(m.end)
	return m
}

func (m *frontend) Context() context.Context { return m.ctx }

// expire makes the call's timeout pass now.
func expire(t testing.TB, c *Call) {
	t.Helper()
	b := c.a.b
	b.mu.Lock()
	defer b.mu.Unlock()
	r := c.rare.Load()
	if r == nil || r.timer == nil {
		t.Fatal("the call has no timeout")
	}
	r.timer.Reset(0)
}

// hasTimeout reports whether the call has one.
func hasTimeout(c *Call) bool {
	c.a.b.mu.Lock()
	defer c.a.b.mu.Unlock()
	r := c.rare.Load()
	return r != nil && r.timer != nil
}

// abortAll makes the adapter's Close run out of patience at once.
func abortAll(t testing.TB, a *Adapter) {
	t.Helper()
	ctx, cancel := context.WithCancel(bg)
	cancel()
	if err := a.Close(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Close = %v, want the context's error", err)
	}
}

// isDone reports whether a channel is closed.
func isDone(ch <-chan struct{}) bool {
	select {
	case <-ch:
		return true
	default:
		return false
	}
}
