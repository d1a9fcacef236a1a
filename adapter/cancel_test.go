package adapter

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"time"
)

func TestBodyNeverRunsIfItsContextHasEnded(t *testing.T) {
	a := newAdapter(t)
	ctx, cancel := context.WithCancel(bg)
	cancel()
	late, cancelLate := context.WithDeadline(bg, time.Now().Add(-time.Hour))
	defer cancelLate()
	body := func(context.Context) (int, error) { t.Error("the body ran"); return 0, nil }
	cb, got := into[int]()
	Go(ctx, a, body, cb)
	wantErr(t, got, context.Canceled)
	Go(late, a, body, cb, Held())
	wantErr(t, got, context.DeadlineExceeded)
}

func TestContextEndsACallThatWaits(t *testing.T) {
	a := newAdapter(t, WithSlots(2), WithQueue(1))
	first, second := block(t, a), block(t, a)
	for range 10 { // each leaves its place in the queue to the next
		ctx, cancel := context.WithCancel(bg)
		cb, got := into[int]()
		c, err := TryGo(ctx, a, func(context.Context) (int, error) { t.Error("the body ran"); return 0, nil }, cb)
		if err != nil {
			t.Fatal(err)
		}
		cancel()
		wantErr(t, got, context.Canceled) // although all slots are taken
		await(t, c.Done())
	}
	if s := a.Stats(); s.Running != 2 || s.Waiting != 0 {
		t.Errorf("%+v, want 2 running and none waiting", s)
	}
	_, got := quick(a)
	first.release()
	wantValue(t, got, "quick")
	second.release()
}

func TestClosingWaitsForTheBody(t *testing.T) {
	a := newAdapter(t)
	ctx, cancel := context.WithCancel(bg)
	c := blockWith(ctx, t, a)
	cancel()
	on(t, a, func() {})
	eventually(t, "the call is told to stop", func() bool { return c.State() == Stopping })
	if len(c.outcome) > 0 {
		t.Error("it called back before its body had returned")
	}
	c.release()
	wantValue(t, c.outcome, "blocked")
}

func TestValuesOfTheContextReachTheBody(t *testing.T) {
	a := newAdapter(t)
	type key struct{}
	ctx := context.WithValue(bg, key{}, "value")
	cb, got := into[any]()
	Go(ctx, a, func(ctx context.Context) (any, error) { return ctx.Value(key{}), nil }, cb)
	wantValue(t, got, any("value"))
}

func TestCancelOfAWaitingCallPreventsItsBody(t *testing.T) {
	a := newAdapter(t, WithSlots(1))
	head := block(t, a)
	cb, got := into[int]()
	c := Go(bg, a, func(context.Context) (int, error) { t.Error("the body ran"); return 0, nil }, cb)
	if !c.Cancel() || c.Cancel() {
		t.Error("want the first Cancel true and the second false")
	}
	wantErr(t, got, context.Canceled)
	head.release()
	wantValue(t, head.outcome, "blocked")
	_, next := quick(a)
	wantValue(t, next, "quick")
	if len(got) > 0 {
		t.Error("called back twice")
	}
}

func TestAbandonedBodyKeepsItsSlot(t *testing.T) {
	a := newAdapter(t, WithSlots(1), WithCancel(Abandon), WithAbandoned(1))
	head := block(t, a)
	next, got := quick(a)
	if !head.Cancel() || head.Cancel() {
		t.Error("want the first Cancel true and the second false")
	}
	wantErr(t, head.outcome, context.Canceled)
	await(t, head.Done())
	if s := a.Stats(); next.State() != Waiting || s.Running != 1 {
		t.Errorf("the abandoned body lost its slot: the next call is %v, %+v", next.State(), s)
	}
	head.release()
	wantValue(t, got, "quick")
	if len(head.outcome) > 0 {
		t.Error("the abandoned body called back as well")
	}
}

func TestCancelledBodyIsNotStarted(t *testing.T) {
	a := newAdapter(t, WithSlots(1))
	c := newCall(bg, a, func(context.Context) (int, error) { t.Error("the body ran"); return 0, nil },
		func(int, error) {}, []CallOption{OnDrop(func(any) { t.Error("dropped what there never was") })})
	c.a.b.mu.Lock() // as start does it, but with a pause before the worker
	c.a.b.active++
	w := c.a.b.admitLocked(&c.Call)
	c.a.b.mu.Unlock()
	if !c.Cancel() {
		t.Error("Cancel = false")
	}
	w.run(&c.Call)
	await(t, c.Done())
	eventually(t, "the slot is free", func() bool { return a.Stats().Running == 0 })
}

func TestCancelAfterTheEndIsTooLate(t *testing.T) {
	a := newAdapter(t)
	c, got := quick(a)
	wantValue(t, got, "quick")
	if c.Cancel() {
		t.Error("Cancel = true after the callback")
	}
	on(t, a, func() {})
	if len(got) > 0 {
		t.Error("called back twice")
	}
}

func TestCancelInsideTheCallbackIsTooLate(t *testing.T) {
	a := newAdapter(t)
	started, cancelled := make(chan *Call, 1), make(chan bool, 2)
	started <- Go(bg, a, func(context.Context) (int, error) { return 0, nil },
		func(int, error) { cancelled <- (<-started).Cancel() })
	if await(t, cancelled) {
		t.Error("Cancel = true inside the callback")
	}
}

func TestCancelInsideTheBodyAbandonsIt(t *testing.T) {
	a := newAdapter(t, WithCancel(Abandon))
	started := make(chan *Call, 1)
	cb, got := into[int]()
	started <- Go(bg, a, func(context.Context) (int, error) {
		if !(<-started).Cancel() {
			t.Error("Cancel = false inside the body")
		}
		return 1, nil
	}, cb)
	wantErr(t, got, context.Canceled)
}

func TestCancelOfARefusedCallIsTooLate(t *testing.T) {
	a := newAdapter(t, WithSlots(1), WithQueue(0))
	defer block(t, a).release()
	c, got := quick(a)
	if c.Cancel() || c.State() != Ended {
		t.Errorf("a refused call is %v and could be cancelled", c.State())
	}
	wantErr(t, got, ErrOverloaded)
}

// sluggish is a context whose end is noticed by itself only: no AfterFunc, and
// not of package context.
type sluggish struct {
	context.Context
	done chan struct{}
}

func (s sluggish) Done() <-chan struct{} { return s.done }

func (s sluggish) Err() error {
	select {
	case <-s.done:
		return errTest
	default:
		return nil
	}
}

func TestForeignContextEndsACallThatWaits(t *testing.T) {
	a := newAdapter(t, WithSlots(1))
	defer block(t, a).release()
	ctx := sluggish{bg, make(chan struct{})}
	cb, got := into[int]()
	Go(ctx, a, func(context.Context) (int, error) { return 0, nil }, cb)
	close(ctx.done)
	wantErr(t, got, errTest)
}

func TestABodyThatNoticesItsDeadlineFirstFailsWithIt(t *testing.T) {
	a := newAdapter(t)
	for range 100 {
		cb, got := into[int]()
		Go(bg, a, func(ctx context.Context) (int, error) {
			at, ok := ctx.Deadline()
			if !ok {
				t.Error("the context has no deadline")
			}
			for time.Now().Before(at) {
			}
			return 0, errTest
		}, cb, Timeout(time.Millisecond))
		if o := await(t, got); !errors.Is(o.err, context.DeadlineExceeded) {
			t.Fatalf("callback got %v, want the deadline", o.err)
		}
	}
}

// TestAHookThatEndsItsGoroutineKeepsNobodyWaiting: neither the next call in the
// lane, nor the others of the context, nor Close, nor what is to be dropped.
func TestAHookThatEndsItsGoroutineKeepsNobodyWaiting(t *testing.T) {
	a := newAdapter(t, WithSlots(1), WithHook(Hook{End: func(_ context.Context, call CallEnd) {
		if call.Name == "leave" {
			runtime.Goexit()
		}
	}}))
	head := block(t, a)
	ctx, cancel := context.WithCancel(bg)
	var lane Lane
	first := never(ctx, t, a, In(&lane), Name("leave"))
	second := never(ctx, t, a, Name("leave"))
	dropped := make(chan any, 1)
	holding := ask(ctx, t, a, Held(), Name("leave"), OnDrop(func(v any) { dropped <- v }))
	_, heir := quick(a, In(&lane), Held())
	cancel()
	for _, c := range []*asked{first, second} {
		wantErr(t, c.outcome, context.Canceled)
	}
	wantValue(t, heir, "quick") // although the slot is taken
	await(t, holding.ctx.Done())
	holding.result(nil)
	wantErr(t, holding.outcome, context.Canceled)
	if v := await(t, dropped); v != "asked" {
		t.Errorf("dropped %v", v)
	}
	head.release()
	wantValue(t, head.outcome, "blocked")
	if err := a.Close(bg); err != nil {
		t.Error(err)
	}
}
