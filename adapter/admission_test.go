package adapter

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
)

func TestAtMostWithSlotsBodiesRunAtOnce(t *testing.T) {
	const slots, calls = 3, 300
	a := newAdapter(t, WithSlots(slots))
	var now, most atomic.Int32
	done := make(chan struct{}, calls)
	for range calls {
		Go(bg, a, func(context.Context) (int, error) {
			n := now.Add(1)
			for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
			}
			runtime.Gosched()
			now.Add(-1)
			return 0, nil
		}, func(int, error) { done <- struct{}{} })
	}
	for range calls {
		await(t, done)
	}
	if m := most.Load(); m > slots {
		t.Errorf("%d bodies ran at once on %d slots", m, slots)
	}
}

func TestAllSlotsAreUsed(t *testing.T) {
	a := newAdapter(t, WithSlots(3))
	for range 3 {
		defer block(t, a).release() // returns once the body runs
	}
	if c, _ := quick(a); c.State() != Waiting {
		t.Errorf("the fourth call is %v", c.State())
	}
}

func TestOverloadIsReportedByTheCallback(t *testing.T) {
	parent := newAdapter(t)
	a := parent.Backend("inventory", WithSlots(1), WithQueue(2))
	head := block(t, a)
	_, first := quick(a)
	_, second := quick(a)
	_, third := quick(a)
	o := await(t, third)
	if !errors.Is(o.err, ErrOverloaded) || !strings.Contains(o.err.Error(), `"inventory"`) {
		t.Errorf("callback got %v, want ErrOverloaded naming the backend", o.err)
	}
	if s := a.Stats(); s.Name != "inventory" || s.Refused != 1 || s.Started != 3 || s.Waiting != 2 || s.Running != 1 {
		t.Errorf("%+v, want 1 refused of 4, 1 running and 2 waiting", s)
	}
	head.release()
	wantValue(t, first, "quick")
	wantValue(t, second, "quick")
}

func TestOverloadIsReportedByTryGoAtOnce(t *testing.T) {
	a := newAdapter(t, WithSlots(1), WithQueue(0))
	head := block(t, a)
	c, err := TryGo(bg, a, func(context.Context) (int, error) { t.Error("the body ran"); return 0, nil },
		func(int, error) { t.Error("called back") })
	if c != nil || !errors.Is(err, ErrOverloaded) {
		t.Errorf("TryGo = %v, %v, want nil and ErrOverloaded", c, err)
	}
	head.release()
	await(t, head.Done())
	on(t, a, func() {})
}

func TestQueueAcceptsAgainAfterDraining(t *testing.T) {
	a := newAdapter(t, WithSlots(1), WithQueue(4))
	for range 20 {
		head := block(t, a)
		var got []chan outcome[string]
		for range 4 {
			_, g := quick(a)
			got = append(got, g)
		}
		_, refused := quick(a)
		wantErr(t, refused, ErrOverloaded)
		head.release()
		for _, g := range got {
			wantValue(t, g, "quick")
		}
		eventually(t, "the slot is free", func() bool { return a.Stats().Running == 0 })
	}
}

func TestCancelledCallsFreeTheirPlaces(t *testing.T) {
	a := newAdapter(t, WithSlots(1), WithQueue(3))
	defer block(t, a).release()
	var waits []*Call
	for range 3 {
		c, _ := quick(a)
		waits = append(waits, c)
	}
	for _, i := range []int{1, 0, 2} { // the middle, the first, the last
		waits[i].Cancel()
		c, err := TryGo(bg, a, func(context.Context) (int, error) { return 0, nil }, func(int, error) {})
		if err != nil {
			t.Fatalf("the place of a cancelled call was not free: %v", err)
		}
		defer c.Cancel()
	}
}

func TestBackendsDoNotStarveEachOther(t *testing.T) {
	a := newAdapter(t, WithSlots(1), WithQueue(0))
	one, two := a.Backend("one", WithSlots(1)), a.Backend("two", WithSlots(1))
	defer block(t, a).release()
	defer block(t, one).release()
	quick(one)
	_, got := quick(two)
	wantValue(t, got, "quick")
	_, got = quick(one.Backend("child", WithSlots(1)))
	wantValue(t, got, "quick")
}

func TestCallsStartInOrderOnOneSlot(t *testing.T) {
	a := newAdapter(t, WithSlots(1))
	head := block(t, a)
	const calls = 200
	var order []int // the bodies run one at a time
	var last chan outcome[int]
	for i := range calls {
		cb, got := into[int]()
		Go(bg, a, func(context.Context) (int, error) { order = append(order, i); return i, nil }, cb)
		last = got
	}
	head.release()
	await(t, last)
	for i, v := range order {
		if v != i {
			t.Fatalf("body %d ran in place %d", v, i)
		}
	}
}

func TestHeldCallsBypassSlotsAndQueue(t *testing.T) {
	a := newAdapter(t, WithSlots(2), WithQueue(0))
	for range 2 {
		defer block(t, a).release()
	}
	for range 10 {
		_, got := quick(a, Held())
		wantValue(t, got, "quick")
	}
	for range 5 {
		defer block(t, a, Held()).release() // at once
	}
	if n := a.Stats().Running; n < 7 {
		t.Errorf("%d running, want the 2 and 5 held ones", n)
	}
}

func TestHeldCallsTakeNoSlot(t *testing.T) {
	a := newAdapter(t, WithSlots(1))
	defer block(t, a, Held()).release()
	_, got := quick(a)
	wantValue(t, got, "quick")
}

// TestTransactionsWaitingForConnectionsAllCommit has as many transactions as
// there are connections while twice as many wait: without held calls the
// waiting Begins would hold every slot.
func TestTransactionsWaitingForConnectionsAllCommit(t *testing.T) {
	const conns, transactions = 4, 3 * 4
	a := newAdapter(t, WithSlots(conns))
	pool := make(chan int, conns)
	for i := range conns {
		pool <- i
	}
	committed := make(chan error, transactions)
	for range transactions {
		Go(bg, a, func(context.Context) (int, error) { return <-pool, nil }, func(conn int, err error) { // Begin
			Go(bg, a, func(context.Context) (int, error) { runtime.Gosched(); return 0, nil }, func(_ int, err error) { // Exec
				Go(bg, a, func(context.Context) (int, error) { pool <- conn; return 0, err },
					func(_ int, err error) { committed <- err }, Held())
			}, Held())
		})
	}
	for range transactions {
		if err := await(t, committed); err != nil {
			t.Error(err)
		}
	}
}

func TestIdleWorkersAreReused(t *testing.T) {
	a := newAdapter(t, WithSlots(4))
	_, got := quick(a)
	await(t, got)
	for range 500 {
		eventually(t, "the worker rests", func() bool { return idle(a) == 1 })
		_, got := quick(a)
		await(t, got)
	}
}

func idle(a *Adapter) int {
	a.b.mu.Lock()
	defer a.b.mu.Unlock()
	return len(a.b.idle)
}

func TestIdleWorkersAreBoundedBySlots(t *testing.T) {
	const slots, held = 3, 40
	a := newAdapter(t, WithSlots(slots))
	before := runtime.NumGoroutine()
	var burst []*blocked
	for range held {
		burst = append(burst, block(t, a, Held()))
	}
	for _, b := range burst {
		b.release()
	}
	eventually(t, "the surplus workers ended", func() bool {
		return a.Stats().Running == 0 && idle(a) <= slots && runtime.NumGoroutine() <= before+slots
	})
}

func TestIdleWorkersThatNobodyNeedsAreDismissed(t *testing.T) {
	const slots = 16
	a := newAdapter(t, WithSlots(slots))
	var burst []*blocked
	for range slots {
		burst = append(burst, block(t, a))
	}
	for _, b := range burst {
		b.release()
	}
	eventually(t, "all workers rest", func() bool { return idle(a) == slots })
	for range 2*dismissEvery + 2 { // one call at a time needs one worker
		c, _ := quick(a)
		await(t, c.Done())
		eventually(t, "the worker rests", func() bool { return a.Stats().Running == 0 })
	}
	if n := idle(a); n > 2 {
		t.Errorf("%d workers are idle, want at most 2", n)
	}
}
