package adapter

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/valet-go/valet/loop"
)

func TestCallbackRunsOnceOnTheExecutor(t *testing.T) {
	a := newAdapter(t)
	var calls atomic.Int32
	onLoop := make(chan bool, 2)
	c := Go(bg, a, func(context.Context) (int, error) {
		if a.Loop().OnLoop() {
			t.Error("the body runs on the loop")
		}
		return 1, nil
	}, func(int, error) { calls.Add(1); onLoop <- a.Loop().OnLoop() })
	if !await(t, onLoop) {
		t.Error("the callback runs off the loop")
	}
	await(t, c.Done())
	on(t, a, func() {}) // what was posted meanwhile has run
	if n := calls.Load(); n != 1 {
		t.Errorf("called back %d times", n)
	}
}

func TestValueAndErrorPassUnchanged(t *testing.T) {
	a := newAdapter(t)
	cb, got := into[*int]()
	want := new(int)
	Go(bg, a, func(context.Context) (*int, error) { return want, errTest }, cb)
	if o := await(t, got); o.value != want || o.err != errTest {
		t.Errorf("callback got %p, %v, want %p and the very error", o.value, o.err, want)
	}
}

func TestCallbackWaitsForTheRunningCallback(t *testing.T) {
	a := newAdapter(t)
	for range 200 {
		got := make(chan bool, 1)
		on(t, a, func() {
			returned := false
			c := Go(bg, a, func(context.Context) (int, error) { return 0, nil },
				func(int, error) { got <- returned })
			eventually(t, "the call ended", func() bool { return c.State() == Ended })
			returned = true
		})
		if !await(t, got) {
			t.Fatal("called back inside the callback that started the call")
		}
	}
}

func TestRefusalWaitsForTheRunningCallback(t *testing.T) {
	a := newAdapter(t, WithSlots(1), WithQueue(0))
	defer block(t, a).release()
	got := make(chan bool, 1)
	on(t, a, func() {
		returned := false
		Go(bg, a, func(context.Context) (int, error) { return 0, nil }, func(int, error) { got <- returned })
		returned = true
	})
	if !await(t, got) {
		t.Error("called back inside the callback that started the call")
	}
}

func TestCallsStartOnAnyGoroutine(t *testing.T) {
	a := newAdapter(t, WithSlots(3))
	const each, starters = 50, 8
	var sum atomic.Int64
	var all sync.WaitGroup
	for range starters {
		all.Add(each)
		go func() {
			for i := range each {
				Go(bg, a, func(context.Context) (int, error) { return i, nil },
					func(v int, err error) { sum.Add(int64(v)); all.Done() })
			}
		}()
	}
	finished := make(chan struct{})
	go func() { all.Wait(); close(finished) }()
	await(t, finished)
	if want := int64(starters * each * (each - 1) / 2); sum.Load() != want {
		t.Errorf("sum = %d, want %d", sum.Load(), want)
	}
}

func TestCallMayBeStartedInABody(t *testing.T) {
	a := newAdapter(t, WithSlots(1))
	cb, got := into[string]()
	Go(bg, a, func(context.Context) (int, error) {
		Go(bg, a, func(context.Context) (string, error) { return "inner", nil }, cb)
		return 0, nil
	}, func(int, error) {})
	wantValue(t, got, "inner")
}

func TestMisusePanics(t *testing.T) {
	a := newAdapter(t)
	body := func(context.Context) (int, error) { return 0, nil }
	cb := func(int, error) {}
	var noCtx context.Context
	mustPanic(t, "a nil context", func() { Go(noCtx, a, body, cb) })
	mustPanic(t, "a nil body", func() { Go(bg, a, nil, cb) })
	mustPanic(t, "a nil callback", func() { Go(bg, a, body, nil) })
	mustPanic(t, "TryGo with a nil callback", func() { _, _ = TryGo(bg, a, body, nil) })
	mustPanic(t, "New(nil)", func() { New(nil) })
	mustPanic(t, "On(nil)", func() { a.On(nil) })
	mustPanic(t, "WithSlots(0)", func() { WithSlots(0) })
	mustPanic(t, "WithQueue(-1)", func() { WithQueue(-1) })
}

// elsewhere is an executor of the test's making.
type elsewhere func(func()) error

func (e elsewhere) Post(f func()) error { return e(f) }

func TestOnPutsCallbacksOnAnotherExecutor(t *testing.T) {
	a := newAdapter(t)
	second := startLoop(t)
	got := make(chan bool, 1)
	view := a.On(second)
	Go(bg, view, func(context.Context) (int, error) { return 0, nil }, func(int, error) { got <- second.OnLoop() })
	if !await(t, got) {
		t.Error("the callback did not run on the view's executor")
	}
	if view.Loop() != a.Loop() {
		t.Error("the view has another loop")
	}
	if s := a.Stats(); s.Started != 1 {
		t.Errorf("the view does not share the backend: %+v", s)
	}
}

func TestNoCallbackIsPostedUnderTheMutex(t *testing.T) {
	a := newAdapter(t, WithSlots(1), WithQueue(1))
	posts := make(chan struct{}, 8)
	view := a.On(elsewhere(func(f func()) error {
		a.Stats() // takes the mutex
		posts <- struct{}{}
		f()
		return nil
	}))
	head := block(t, view, CancelWith(Abandon))
	waits, _ := quick(view)
	refused, _ := quick(view)
	waits.Cancel()
	head.Cancel()
	for _, c := range []*Call{waits, refused, head.Call} {
		await(t, c.Done())
		await(t, posts)
	}
}

func TestStateFollowsTheCall(t *testing.T) {
	a := newAdapter(t, WithSlots(1))
	head := block(t, a)
	c, got := quick(a)
	if head.State() != Running || c.State() != Waiting {
		t.Errorf("states %v and %v, want running and waiting", head.State(), c.State())
	}
	head.release()
	wantValue(t, got, "quick")
	if head.State() != Ended || c.State() != Ended {
		t.Errorf("states %v and %v, want ended", head.State(), c.State())
	}
	if s := Waiting.String() + Running.String() + Ended.String(); s != "waitingrunningended" {
		t.Errorf("names %q", s)
	}
}

func TestDoneClosesAfterTheCallback(t *testing.T) {
	a := newAdapter(t)
	for range 100 {
		var called atomic.Bool
		c := Go(bg, a, func(context.Context) (int, error) { return 0, nil }, func(int, error) { called.Store(true) })
		await(t, c.Done()) // asked for before or during
		if !called.Load() {
			t.Fatal("Done closed before the callback returned")
		}
		await(t, c.Done()) // and after
	}
}

func TestDoneAskedForAfterwardsIsClosed(t *testing.T) {
	a := newAdapter(t)
	c, got := quick(a)
	await(t, got)
	on(t, a, func() {})
	select {
	case <-c.Done():
	default:
		t.Error("Done is open after the callback returned")
	}
}

func TestDoneIsOpenInsideTheCallback(t *testing.T) {
	a := newAdapter(t)
	started, open := make(chan *Call, 1), make(chan bool, 1)
	started <- Go(bg, a, func(context.Context) (int, error) { return 0, nil }, func(int, error) {
		select {
		case <-(<-started).Done():
			open <- false
		default:
			open <- true
		}
	})
	if !await(t, open) {
		t.Error("Done closed before the callback returned")
	}
}

func TestClosedExecutorCountsWhatItLoses(t *testing.T) {
	a := newAdapter(t, WithSlots(2))
	second := startLoop(t)
	head := block(t, a.On(second))
	if err := second.Close(); err != nil {
		t.Fatal(err)
	}
	head.release()
	await(t, head.Done())
	lost, got := quick(a.On(second))
	await(t, lost.Done())
	if n := a.Stats().Undelivered; n != 2 {
		t.Errorf("Undelivered = %d, want 2", n)
	}
	if len(got)+len(head.outcome) > 0 {
		t.Error("a callback ran on a closed executor")
	}
	_, alive := quick(a)
	wantValue(t, alive, "quick")
}

func TestOnDropReleasesWhatNoCallbackGets(t *testing.T) {
	a := newAdapter(t)
	second := startLoop(t)
	if err := second.Close(); err != nil {
		t.Fatal(err)
	}
	dropped := make(chan any, 4)
	drop := OnDrop(func(v any) { dropped <- v })

	abandoned := block(t, a, drop, CancelWith(Abandon))
	abandoned.Cancel()
	abandoned.release()
	if v := await(t, dropped); v != "blocked" {
		t.Errorf("dropped %v", v)
	}
	quick(a.On(second), drop)
	if v := await(t, dropped); v != "quick" {
		t.Errorf("dropped %v", v)
	}

	_, delivered := quick(a, drop)
	wantValue(t, delivered, "quick")
	failed := Go(bg, a.On(second), func(context.Context) (int, error) { return 1, errTest }, func(int, error) {}, drop)
	await(t, failed.Done())
	eventually(t, "all bodies returned", func() bool { return a.Stats().Running == 0 })
	if len(dropped) > 0 {
		t.Errorf("dropped %v, which was delivered or has failed", <-dropped)
	}
}

func TestErrorOfAClosedBackendIsErrClosed(t *testing.T) {
	a := newAdapter(t)
	if err := a.Close(bg); err != nil {
		t.Fatal(err)
	}
	_, got := quick(a)
	wantErr(t, got, ErrClosed)
	if _, err := TryGo(bg, a, func(context.Context) (int, error) { return 0, nil }, func(int, error) {
		t.Error("TryGo refused and called back")
	}); !errors.Is(err, ErrClosed) || errors.Is(err, loop.ErrClosed) || !strings.Contains(err.Error(), "adapter") {
		t.Errorf("TryGo = %v, want the adapter's ErrClosed", err)
	}
	on(t, a, func() {})
}
