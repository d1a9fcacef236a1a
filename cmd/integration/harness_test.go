package integration

import (
	"context"
	"errors"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/valet-go/valet/adapter"
	"github.com/valet-go/valet/loop"
)

const (
	// patience is how long a test waits for what must happen.
	patience = 20 * time.Second

	// prompt is how soon something must happen that does not wait for what
	// is left to wait for: far less than endless, and more than a busy
	// machine needs under the race detector.
	prompt = 10 * time.Second

	// endless is how many seconds a server is told to sleep by a query that
	// must not be waited for.
	endless = 40
)

var bg = context.Background()

// env is a loop with an adapter. Everything started on it is checked when the
// test ends: that each callback came exactly once, and that nothing is left.
type env struct {
	t testing.TB
	l *loop.Loop
	a *adapter.Adapter
	// checks run after all is closed.
	checks []func()
	// cut means that the test closed the loop itself, so that callbacks and
	// connections may have been lost.
	cut bool
}

func newEnv(t testing.TB) *env {
	t.Helper()
	e := &env{t: t, l: startLoop(t)}
	e.a = adapter.New(e.l)
	t.Cleanup(e.close)
	return e
}

func (e *env) close() {
	ctx, cancel := context.WithTimeout(bg, patience)
	defer cancel()
	if err := e.a.Close(ctx); err != nil {
		e.t.Errorf("closing the adapter: %v, with %+v", err, e.a.Stats())
	}
	if err := e.l.Close(); err != nil && !errors.Is(err, loop.ErrClosed) {
		e.t.Errorf("closing the loop: %v", err)
	}
	for _, check := range e.checks {
		check()
	}
}

// startLoop returns a running loop that the test closes. A panic in one of its
// callbacks fails the test.
func startLoop(t testing.TB) *loop.Loop {
	t.Helper()
	l, err := loop.Start(bg, loop.WithPanicHandler(func(v any, stack []byte) {
		t.Errorf("panic in a callback: %v\n%s", v, stack)
	}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

// pending is a call that was started and has not called back, perhaps.
type pending[T any] struct {
	*adapter.Call
	e     *env
	value T
	err   error
	came  chan struct{}
	times atomic.Int32
}

// begin starts a call. Its callback must run on the loop, once.
func begin[T any](e *env, start func(cb func(T, error)) *adapter.Call) *pending[T] {
	return beginOn(e, e.l, start)
}

func beginOn[T any](e *env, l *loop.Loop, start func(cb func(T, error)) *adapter.Call) *pending[T] {
	p := &pending[T]{e: e, came: make(chan struct{})}
	e.checks = append(e.checks, func() {
		if n := p.times.Load(); n > 1 || n < 1 && !e.cut {
			e.t.Errorf("a call called back %d times, want once", n)
		}
	})
	p.Call = start(func(v T, err error) {
		if p.times.Add(1) > 1 {
			return // reported at the end
		}
		if !l.OnLoop() {
			e.t.Error("a callback did not run on its loop")
		}
		p.value, p.err = v, err
		close(p.came)
	})
	return p
}

// wait returns what the callback got.
func (p *pending[T]) wait() (T, error) {
	p.e.t.Helper()
	await(p.e.t, p.came)
	return p.value, p.err
}

// fails returns the error of a call that must fail within prompt.
func (p *pending[T]) fails() error {
	p.e.t.Helper()
	began := time.Now()
	v, err := p.wait()
	if err == nil {
		p.e.t.Fatalf("got %v, want an error", v)
	}
	if took := time.Since(began); took > prompt {
		p.e.t.Errorf("%v came after %v", err, took)
	}
	return err
}

func (p *pending[T]) failsWith(want error) {
	p.e.t.Helper()
	if err := p.fails(); !errors.Is(err, want) {
		p.e.t.Errorf("got the error %v, want %v", err, want)
	}
}

// must starts a call and returns the result that it must have.
func must[T any](e *env, start func(cb func(T, error)) *adapter.Call) T {
	e.t.Helper()
	return begin(e, start).must()
}

func (p *pending[T]) must() T {
	p.e.t.Helper()
	v, err := p.wait()
	if err != nil {
		p.e.t.Fatalf("failed: %v", err)
	}
	return v
}

// void adapts a start whose callback gets an error only.
func void(start func(cb func(error)) *adapter.Call) func(cb func(struct{}, error)) *adapter.Call {
	return func(cb func(struct{}, error)) *adapter.Call {
		return start(func(err error) { cb(struct{}{}, err) })
	}
}

// finish adapts a start that returns no call, such as those that close.
func finish(start func(cb func(error))) func(cb func(struct{}, error)) *adapter.Call {
	return void(func(cb func(error)) *adapter.Call {
		start(cb)
		return nil
	})
}

func await[T any](t testing.TB, ch <-chan T) T {
	t.Helper()
	select {
	case v := <-ch:
		return v
	case <-time.After(patience):
		t.Fatalf("waited in vain\n%s", stacks())
		panic("unreachable")
	}
}

// eventually polls until cond holds.
func eventually(t testing.TB, what string, cond func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); !cond(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("never happened: %s\n%s", what, stacks())
		}
	}
}

// stacks is where all goroutines are.
func stacks() []byte {
	buf := make([]byte, 1<<20)
	return buf[:runtime.Stack(buf, true)]
}
