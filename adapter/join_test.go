package adapter

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"testing"

	"github.com/valet-go/valet/loop"
)

// joined starts a Join and returns where its callback sends.
func joined(a *Adapter, calls ...*Call) chan error {
	got := make(chan error, 2)
	Join(a, func(err error) { got <- err }, calls...)
	return got
}

func failing(a *Adapter, err error, opts ...CallOption) *Call {
	return Go(bg, a, func(context.Context) (int, error) { return 0, err }, func(int, error) {}, opts...)
}

func TestJoinWaitsForAllCallbacks(t *testing.T) {
	a := newAdapter(t)
	before, _ := quick(a)
	await(t, before.Done())
	on(t, a, func() {})
	one, two := block(t, a), block(t, a)
	got := joined(a, before, one.Call, two.Call)
	two.release()
	await(t, two.Done())
	on(t, a, func() {})
	if len(got) > 0 {
		t.Error("joined while a call ran")
	}
	one.release()
	if err := await(t, got); err != nil {
		t.Errorf("joined with %v", err)
	}
	if len(one.outcome) != 1 || len(two.outcome) != 1 {
		t.Error("joined before a callback")
	}
	on(t, a, func() {})
	if len(got) > 0 {
		t.Error("joined twice")
	}
}

func TestJoinRunsOnItsExecutorAfterTheCallbacksReturned(t *testing.T) {
	a := newAdapter(t)
	for range 100 {
		order := make(chan string, 2)
		on(t, a, func() {
			returned := false
			c := Go(bg, a, func(context.Context) (int, error) { return 0, nil }, func(int, error) { order <- "callback"; returned = true })
			Join(a, func(error) {
				if !returned || !a.Loop().OnLoop() {
					t.Error("joined inside the callback, or elsewhere")
				}
				order <- "join"
			}, c)
		})
		if x, y := await(t, order), await(t, order); x != "callback" || y != "join" {
			t.Fatalf("%s before %s", x, y)
		}
	}
}

func TestJoinOfNothingIsCalledByTheExecutor(t *testing.T) {
	a := newAdapter(t)
	got := make(chan bool, 1)
	on(t, a, func() {
		returned := false
		Join(a, func(err error) { got <- returned && err == nil })
		returned = true
	})
	if !await(t, got) {
		t.Error("called inside Join, or with an error")
	}
}

func TestJoinGivesTheErrorsInTheOrderOfTheCalls(t *testing.T) {
	a := newAdapter(t, WithSlots(4), WithQueue(0))
	other := errors.New("test: other")
	ok, _ := quick(a, Held())
	late := block(t, a)
	cancelled := block(t, a, CancelWith(Abandon))
	refused := failing(full(t, a.Loop()), nil)
	panics := Go(bg, a, func(context.Context) (int, error) { panic("boom") }, func(int, error) {}, Held())
	exits := Go(bg, a, func(context.Context) (int, error) { runtime.Goexit(); return 0, nil }, func(int, error) {}, Held())
	first := failing(a, errTest, Held())
	got := joined(a, late.Call, failing(a, other, Held()), first, ok, first, cancelled.Call, refused, panics, exits)
	cancelled.Cancel()
	late.release()
	err := await(t, got)
	list, isList := err.(interface{ Unwrap() []error })
	if !isList {
		t.Fatalf("joined with %v", err)
	}
	errs := list.Unwrap()
	if len(errs) != 7 || errs[0] != other || errs[1] != errTest || errs[2] != errTest ||
		!errors.Is(errs[3], context.Canceled) || !errors.Is(errs[4], ErrOverloaded) || !errors.Is(errs[6], ErrGoexit) {
		t.Errorf("joined with %q", errs)
	}
	if p := new(PanicError); !errors.As(errs[5], &p) {
		t.Errorf("a panicking body gave %v", errs[5])
	}
}

func TestACallbackThatPanicsOrExitsIsJoined(t *testing.T) {
	a := New(startLoop(t, loop.WithPanicHandler(func(any, []byte) {})))
	closeAtEnd(t, a)
	body := func(context.Context) (int, error) { return 0, nil }
	got := joined(a, Go(bg, a, body, func(int, error) { panic("test") }), Go(bg, a, body, func(int, error) { runtime.Goexit() }))
	if err := await(t, got); err != nil {
		t.Errorf("joined with %v", err)
	}
}

func TestACallThatCannotCallBackCountsAsClosed(t *testing.T) {
	a := newAdapter(t)
	second := startLoop(t)
	succeeds := block(t, a.On(second))
	if err := second.Close(); err != nil {
		t.Fatal(err)
	}
	lost := failing(a.On(second), errTest)
	got := joined(a, succeeds.Call, lost)
	succeeds.release()
	if err := await(t, got); !errors.Is(err, ErrClosed) || !errors.Is(err, errTest) {
		t.Errorf("joined with %v, want ErrClosed and the error of the call that failed", err)
	}
	again := joined(a, succeeds.Call) // when it is known already
	if err := await(t, again); !errors.Is(err, ErrClosed) {
		t.Errorf("joined with %v", err)
	}
}

func TestAJoinOnAClosedExecutorIsCounted(t *testing.T) {
	a := newAdapter(t)
	second := startLoop(t)
	if err := second.Close(); err != nil {
		t.Fatal(err)
	}
	got := joined(a.On(second))
	if n := a.Stats().Undelivered; n != 1 || len(got) > 0 {
		t.Errorf("%d undelivered", n)
	}
}

func TestJoinsAndDoneOfOneCallDoNotDisturbEachOther(t *testing.T) {
	a := newAdapter(t)
	for range 200 {
		c, _ := quick(a)
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				if err := await(t, joined(a, c, c)); err != nil {
					t.Errorf("joined with %v", err)
				}
			})
			all.Go(func() { await(t, c.Done()) })
		}
		all.Wait()
	}
}

func TestAJoinMayStartAJoin(t *testing.T) {
	a := newAdapter(t)
	done := make(chan struct{})
	left := 100
	var again func(error)
	again = func(error) {
		if left--; left == 0 {
			close(done)
			return
		}
		c, _ := quick(a)
		Join(a, again, c)
	}
	Join(a, again)
	await(t, done)
}
