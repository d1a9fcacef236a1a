package adapter

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/valet-go/valet/loop"
)

// wantEmpty checks that a window keeps nothing.
func wantEmpty(t *testing.T, w *Window) {
	t.Helper()
	eventually(t, "the window is empty", func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		return w.calls == nil && !w.posted
	})
}

func TestWindowCallsBackInOrderOfStarting(t *testing.T) {
	const calls = 50
	a := newAdapter(t, WithSlots(calls))
	w := new(Window)
	var order []int // on the loop
	var all []*blocked
	for i := range calls {
		b := block(t, a, Ordered(w))
		all = append(all, b)
		Go(bg, a, func(context.Context) (int, error) { return i, nil },
			func(v int, _ error) { order = append(order, v) }, Ordered(w), Held())
	}
	for _, b := range slices.Backward(all[1:]) {
		b.release()
	}
	eventually(t, "all but the first have ended", func() bool { return a.Stats().Running == 1 })
	on(t, a, func() {
		if len(order) > 0 {
			t.Errorf("%v called back before the head did", order)
		}
	})
	all[0].release()
	for _, b := range all {
		wantValue(t, b.outcome, "blocked")
	}
	eventually(t, "all have called back", func() (done bool) {
		on(t, a, func() { done = len(order) == calls })
		return done
	})
	if !slices.IsSorted(order) {
		t.Errorf("called back in the order %v", order)
	}
	wantEmpty(t, w)
}

func TestASlowHeadOfAWindowHoldsCancelledAndRefusedCalls(t *testing.T) {
	a := newAdapter(t, WithSlots(1), WithQueue(1))
	w := new(Window)
	head := block(t, a, Ordered(w))
	waits, cancelled := quick(a, Ordered(w))
	_, refused := quick(a, Ordered(w))
	if !waits.Cancel() || waits.State() != Ended {
		t.Errorf("a cancelled call is %v", waits.State())
	}
	_, beside := quick(a, Held()) // not of the window
	wantValue(t, beside, "quick")
	if len(cancelled)+len(refused) > 0 {
		t.Error("a call called back before the window's head")
	}
	head.release()
	wantValue(t, head.outcome, "blocked")
	wantErr(t, cancelled, context.Canceled)
	wantErr(t, refused, ErrOverloaded)
	wantEmpty(t, w)
}

func TestTryGoLeavesNoHoleInAWindow(t *testing.T) {
	a := newAdapter(t, WithSlots(1), WithQueue(0))
	w := new(Window)
	head := block(t, a, Ordered(w))
	for range 3 {
		if _, err := TryGo(bg, a, refusal(t), func(int, error) { t.Error("called back") }, Ordered(w)); !errors.Is(err, ErrOverloaded) {
			t.Errorf("TryGo = %v", err)
		}
	}
	_, after := quick(a, Ordered(w), Held())
	head.release()
	wantValue(t, head.outcome, "blocked")
	wantValue(t, after, "quick")
	wantEmpty(t, w)
	if _, err := TryGo(bg, full(t, a.Loop()), refusal(t), func(int, error) { t.Error("called back") }, Ordered(w)); !errors.Is(err, ErrOverloaded) {
		t.Errorf("TryGo in an empty window = %v", err)
	}
	wantEmpty(t, w)
}

func TestAWindowOfAClosedExecutorLosesWhatItCounts(t *testing.T) {
	a := newAdapter(t)
	second := startLoop(t)
	w := new(Window)
	dropped := make(chan any, 8)
	drop := OnDrop(func(v any) { dropped <- v })
	head := block(t, a.On(second), Ordered(w), drop)
	var rest []*Call
	for range 3 {
		c, _ := quick(a.On(second), Ordered(w), drop)
		rest = append(rest, c)
	}
	failed := Go(bg, a.On(second), func(context.Context) (int, error) { return 1, errTest }, func(int, error) {}, Ordered(w), drop)
	eventually(t, "all but the head have ended", func() bool { return a.Stats().Running == 1 })
	if err := second.Close(); err != nil {
		t.Fatal(err)
	}
	head.release()
	for _, c := range append(rest, head.Call, failed) {
		await(t, c.Done())
	}
	for range 4 { // not that of the failed one
		await(t, dropped)
	}
	if n := a.Stats().Undelivered; n != 5 || len(head.outcome) > 0 || len(dropped) > 0 {
		t.Errorf("%d undelivered, want 5", n)
	}
	wantEmpty(t, w)
}

func TestCloseOutOfPatienceKeepsAWindowsOrder(t *testing.T) {
	a := newAdapter(t, WithSlots(2))
	w := new(Window)
	head, second := block(t, a, Ordered(w)), block(t, a, Ordered(w))
	var order []int // on the loop
	for i := range 20 {
		Go(bg, a, refusal(t), func(_ int, err error) {
			if order = append(order, i); !errors.Is(err, ErrClosed) {
				t.Errorf("callback got %v", err)
			}
		}, Ordered(w))
	}
	ctx, cancel := context.WithCancel(bg)
	cancel()
	if err := a.Close(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Close = %v", err)
	}
	wantErr(t, head.outcome, ErrClosed)
	wantErr(t, second.outcome, ErrClosed)
	eventually(t, "all have called back", func() (done bool) {
		on(t, a, func() { done = len(order) == 20 })
		return done
	})
	if !slices.IsSorted(order) {
		t.Errorf("called back in the order %v", order)
	}
	wantEmpty(t, w)
}

func TestAWindowMayGrowInItsCallbacks(t *testing.T) {
	const rounds = 500
	a := newAdapter(t, WithSlots(1))
	w := new(Window)
	n, inside := 0, false // on the loop
	done := make(chan struct{})
	var again func(int, error)
	again = func(int, error) {
		if inside {
			t.Error("called back inside a callback")
		}
		inside = true
		defer func() { inside = false }()
		if n++; n == rounds {
			close(done)
		}
		if n < rounds {
			c := Go(bg, a, func(context.Context) (int, error) { return 0, nil }, again, Ordered(w))
			if n%2 == 0 {
				c.Cancel()
			}
		}
	}
	Go(bg, a, func(context.Context) (int, error) { return 0, nil }, again, Ordered(w))
	await(t, done)
	wantEmpty(t, w)
}

func TestAWindowFreesItsMemory(t *testing.T) {
	const calls, size = 200, 1 << 16
	a := newAdapter(t)
	w := new(Window)
	var freed atomic.Int32
	head := block(t, a, Ordered(w))
	var all sync.WaitGroup
	for range calls {
		all.Add(1)
		big := new([size]byte)
		runtime.AddCleanup(big, func(int) { freed.Add(1) }, 0)
		Go(bg, a, func(context.Context) (*[size]byte, error) { return big, nil }, func(*[size]byte, error) { all.Done() }, Ordered(w))
	}
	head.release()
	all.Wait()
	tail := block(t, a, Ordered(w)) // the window is in use still
	eventually(t, "the results are garbage", func() bool { runtime.GC(); return freed.Load() == calls })
	tail.release()
}

func TestWindowsDoNotHoldEachOther(t *testing.T) {
	a := newAdapter(t)
	one, two := new(Window), new(Window)
	head := block(t, a, Ordered(one))
	quick(a, Ordered(one))
	_, got := quick(a, Ordered(two))
	wantValue(t, got, "quick")
	head.release()
}

func TestPanicsAndGoexitsInAWindowLoseNothing(t *testing.T) {
	l := startLoop(t, loop.WithPanicHandler(func(any, []byte) {}))
	a := New(l, WithSlots(3))
	closeAtEnd(t, a)
	w := new(Window)
	const calls = 300
	var order []int
	done := make(chan struct{})
	for i := range calls {
		Go(bg, a, func(context.Context) (int, error) {
			switch i % 5 {
			case 1:
				panic("test")
			case 2:
				runtime.Goexit()
			}
			return i, nil
		}, func(_ int, err error) {
			if order = append(order, i); i == calls-1 {
				close(done)
			}
			if (err != nil) != (i%5 == 1 || i%5 == 2) {
				t.Errorf("callback %d got %v", i, err)
			}
			switch i % 3 {
			case 1:
				panic("test")
			case 2:
				runtime.Goexit()
			}
		}, Ordered(w))
	}
	await(t, done)
	if len(order) != calls || !slices.IsSorted(order) {
		t.Errorf("called back in the order %v", order)
	}
}
