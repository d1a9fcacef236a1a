package loop

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// start returns a running loop that the test closes. A panic in a callback fails
// the test, unless the options have a handler of their own.
func start(t testing.TB, opts ...Option) *Loop {
	t.Helper()
	l, err := Start(context.Background(), append([]Option{failOnPanic(t)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil && !errors.Is(err, ErrClosed) {
			t.Error(err)
		}
	})
	return l
}

// failOnPanic makes a panic in a callback fail the test.
func failOnPanic(t testing.TB) Option {
	return WithPanicHandler(func(v any, stack []byte) { t.Errorf("panic in a callback: %v\n%s", v, stack) })
}

// logPanics is the default: to log them.
func logPanics(l *Loop) error {
	l.onPanic = l.logPanic
	return nil
}

// on runs f on the loop and waits for it.
func on(t testing.TB, l *Loop, f func()) {
	t.Helper()
	done := make(chan struct{})
	if err := l.Post(func() { defer close(done); f() }); err != nil {
		t.Fatal(err)
	}
	await(t, done)
}

func await[T any](t testing.TB, ch <-chan T) T {
	t.Helper()
	select {
	case v := <-ch:
		return v
	case <-time.After(20 * time.Second):
		buf := make([]byte, 1<<16)
		t.Fatalf("waited for 20 s\n%s", buf[:runtime.Stack(buf, true)])
		panic("unreachable")
	}
}

func TestRunEndsWithItsContext(t *testing.T) {
	l, err := New()
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for range 50 { // a sleeping loop and one about to sleep both notice
		ctx, cancel := context.WithCancel(context.Background())
		go cancel()
		if err := l.Run(ctx); !errors.Is(err, context.Canceled) {
			t.Fatalf("Run = %v, want context.Canceled", err)
		}
	}
}

func TestStopEndsRunAndItMayRunAgain(t *testing.T) {
	l, err := New()
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for i := range 50 {
		ran := false
		l.Post(func() {
			ran = true
			if i%2 == 0 {
				l.Stop()
			} else {
				go l.Stop()
			}
		})
		if err := l.Run(context.Background()); err != nil || !ran {
			t.Fatalf("round %d: Run = %v, ran = %v", i, err, ran)
		}
	}
}

func TestRunTwiceAtOnceFails(t *testing.T) {
	l := start(t)
	if err := l.Run(context.Background()); !errors.Is(err, ErrRunning) {
		t.Fatalf("Run = %v, want ErrRunning", err)
	}
	on(t, l, func() {
		if err := l.Run(context.Background()); !errors.Is(err, ErrRunning) {
			t.Errorf("Run from a callback = %v, want ErrRunning", err)
		}
	})
}

func TestCloseRunsWhatWasPostedAndRefusesTheRest(t *testing.T) {
	for range 200 {
		l, err := Start(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		var accepted, ran atomic.Int64
		var posters sync.WaitGroup
		for range 4 {
			posters.Go(func() {
				for {
					if err := l.Post(func() { ran.Add(1) }); err != nil {
						if !errors.Is(err, ErrClosed) {
							t.Error(err)
						}
						return
					}
					accepted.Add(1)
				}
			})
		}
		runtime.Gosched()
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		posters.Wait()
		if accepted.Load() != ran.Load() {
			t.Fatalf("%d posts accepted, %d ran", accepted.Load(), ran.Load())
		}
	}
}

func TestCloseWithoutRun(t *testing.T) {
	l, err := New()
	if err != nil {
		t.Fatal(err)
	}
	ran := false
	l.Post(func() { ran = l.OnLoop() })
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if !ran {
		t.Error("what was posted did not run as on the loop")
	}
	if err := l.Close(); !errors.Is(err, ErrClosed) {
		t.Errorf("second Close = %v, want ErrClosed", err)
	}
	if err := l.Run(context.Background()); !errors.Is(err, ErrClosed) {
		t.Errorf("Run = %v, want ErrClosed", err)
	}
	if err := l.Post(func() {}); !errors.Is(err, ErrClosed) {
		t.Errorf("Post = %v, want ErrClosed", err)
	}
	if _, err := l.AddHandler(0, Readable, func(Readiness) {}); !errors.Is(err, ErrClosed) {
		t.Errorf("AddHandler = %v, want ErrClosed", err)
	}
}

func TestCloseFromACallback(t *testing.T) {
	l, err := New()
	if err != nil {
		t.Fatal(err)
	}
	l.Post(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := l.Run(context.Background()); !errors.Is(err, ErrClosed) {
		t.Fatalf("Run = %v, want ErrClosed", err)
	}
}

func TestStartClosesTheLoopWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	l, err := Start(ctx)
	if err != nil {
		t.Fatal(err)
	}
	on(t, l, cancel)
	await(t, l.ended)
	if err := l.Post(func() {}); !errors.Is(err, ErrClosed) {
		t.Fatalf("Post = %v, want ErrClosed", err)
	}
}

func TestPanicIsReportedAndTheLoopGoesOn(t *testing.T) {
	type report struct {
		v     any
		stack string
	}
	reports := make(chan report, 10)
	l := start(t, WithPanicHandler(func(v any, stack []byte) { reports <- report{v, string(stack)} }))
	order := []int{}
	on(t, l, func() {
		l.Post(func() { order = append(order, 1); panic("posted") })
		l.Post(func() { order = append(order, 2) })
		l.AfterFunc(0, func() { order = append(order, 3); panic("timer") })
		l.AfterFunc(0, func() { order = append(order, 4) })
	})
	for _, want := range []string{"timer", "posted"} {
		r := await(t, reports)
		if r.v != want || !strings.Contains(r.stack, "loop_test.go") {
			t.Errorf("reported %v with\n%s\nwant %s and the stack of the panic", r.v, r.stack, want)
		}
	}
	on(t, l, func() {
		if got := [4]int(order); got != [4]int{3, 4, 1, 2} {
			t.Errorf("callbacks ran as %v", got)
		}
	})
}

func TestGoexitDoesNotEndTheLoop(t *testing.T) {
	l := start(t)
	for range 20 {
		l.Post(runtime.Goexit)
	}
	on(t, l, func() { l.AfterFunc(0, runtime.Goexit) })
	on(t, l, func() {
		if !l.OnLoop() {
			t.Error("the new goroutine does not own the loop")
		}
	})
	l.Post(runtime.Goexit) // during Close as well
}

func TestOnLoop(t *testing.T) {
	l := start(t)
	if l.OnLoop() {
		t.Error("the test's goroutine is taken for the loop")
	}
	on(t, l, func() {
		if !l.OnLoop() {
			t.Error("a callback is not on the loop")
		}
	})
}
