package adapter

import (
	"context"
	"errors"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/valet-go/valet/loop"
)

// patience is how long a test waits for what must happen.
const patience = 20 * time.Second

var bg = context.Background()

// errTest is what bodies of tests fail with.
var errTest = errors.New("test: failed")

// startLoop returns a running loop that the test closes. A panic in one of its
// callbacks fails the test unless the options say otherwise.
func startLoop(t testing.TB, opts ...loop.Option) *loop.Loop {
	t.Helper()
	unexpected := loop.WithPanicHandler(func(v any, stack []byte) { t.Errorf("panic in a callback: %v\n%s", v, stack) })
	l, err := loop.Start(bg, append([]loop.Option{unexpected}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil && !errors.Is(err, loop.ErrClosed) {
			t.Error(err)
		}
	})
	return l
}

// newAdapter returns an adapter on a loop of its own, and closes both.
func newAdapter(t testing.TB, opts ...Option) *Adapter {
	t.Helper()
	a := New(startLoop(t), opts...)
	closeAtEnd(t, a)
	return a
}

func closeAtEnd(t testing.TB, a *Adapter) {
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(bg, patience)
		defer cancel()
		if err := a.Close(ctx); err != nil {
			t.Errorf("Close = %v, with %+v", err, a.Stats())
		}
	})
}

// on runs f on the adapter's loop and waits for it.
func on(t testing.TB, a *Adapter, f func()) {
	t.Helper()
	done := make(chan struct{})
	if err := a.Loop().Post(func() { defer close(done); f() }); err != nil {
		t.Fatal(err)
	}
	await(t, done)
}

func await[T any](t testing.TB, ch <-chan T) T {
	t.Helper()
	select {
	case v := <-ch:
		return v
	case <-time.After(patience):
		buf := make([]byte, 1<<16)
		t.Fatalf("waited in vain\n%s", buf[:runtime.Stack(buf, true)])
		panic("unreachable")
	}
}

// eventually polls until cond holds.
func eventually(t testing.TB, what string, cond func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !cond(); runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatalf("never happened: %s", what)
		}
	}
}

// outcome is what a callback got.
type outcome[T any] struct {
	value T
	err   error
}

// into returns a callback and the channel to which it sends. The channel has
// room for a second, unwanted outcome.
func into[T any]() (func(T, error), chan outcome[T]) {
	ch := make(chan outcome[T], 2)
	return func(v T, err error) { ch <- outcome[T]{v, err} }, ch
}

// blocked is a call whose body runs until it is released.
type blocked struct {
	*Call
	outcome chan outcome[string]
	release func()
}

// block starts a call and waits until its body runs.
func block(t testing.TB, a *Adapter, opts ...CallOption) *blocked {
	t.Helper()
	return blockWith(bg, t, a, opts...)
}

func blockWith(ctx context.Context, t testing.TB, a *Adapter, opts ...CallOption) *blocked {
	t.Helper()
	runs, release := make(chan struct{}), make(chan struct{})
	cb, got := into[string]()
	c := Go(ctx, a, func(context.Context) (string, error) {
		close(runs)
		<-release
		return "blocked", nil
	}, cb, opts...)
	await(t, runs)
	var once atomic.Bool
	b := &blocked{c, got, func() {
		if once.CompareAndSwap(false, true) {
			close(release)
		}
	}}
	t.Cleanup(b.release)
	return b
}

// quick starts a call whose body returns at once.
func quick(a *Adapter, opts ...CallOption) (*Call, chan outcome[string]) {
	cb, got := into[string]()
	return Go(bg, a, func(context.Context) (string, error) { return "quick", nil }, cb, opts...), got
}

func wantErr[T any](t testing.TB, got chan outcome[T], want error) {
	t.Helper()
	if o := await(t, got); !errors.Is(o.err, want) {
		t.Errorf("callback got %v, %v, want the error %v", o.value, o.err, want)
	}
}

func wantValue[T comparable](t testing.TB, got chan outcome[T], want T) {
	t.Helper()
	if o := await(t, got); o.err != nil || o.value != want {
		t.Errorf("callback got %v, %v, want %v", o.value, o.err, want)
	}
}

func mustPanic(t testing.TB, what string, f func()) {
	t.Helper()
	defer func() {
		if recover() == nil {
			t.Errorf("%s did not panic", what)
		}
	}()
	f()
}
