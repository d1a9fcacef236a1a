package adapter

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
)

// kinds are the calls that lanes hold.
var kinds = map[string][]CallOption{"not held": nil, "held": {Held()}}

func TestLaneRunsCallsOneAfterAnotherInOrder(t *testing.T) {
	for name, opts := range kinds {
		t.Run(name, func(t *testing.T) {
			a := newAdapter(t, WithSlots(4))
			var lane Lane
			const calls = 200
			var inside atomic.Int32
			var bodies, callbacks []int // the race detector watches these, too
			done := make(chan struct{})
			for i := range calls {
				Go(bg, a, func(context.Context) (int, error) {
					if inside.Add(1) != 1 {
						t.Error("two bodies of a lane at once")
					}
					bodies = append(bodies, i)
					runtime.Gosched()
					inside.Add(-1)
					return i, nil
				}, func(v int, err error) {
					callbacks = append(callbacks, v)
					if len(callbacks) == calls {
						close(done)
					}
				}, append(opts, In(&lane))...)
			}
			await(t, done)
			if !slices.IsSorted(bodies) || !slices.IsSorted(callbacks) || len(bodies) != calls {
				t.Errorf("bodies ran in the order %v and called back in the order %v", bodies, callbacks)
			}
		})
	}
}

func TestLaneMayMixHeldCallsWithOthers(t *testing.T) {
	a := newAdapter(t, WithSlots(1))
	head := block(t, a)
	var lane Lane
	var order []int
	done := make(chan struct{})
	const calls = 60
	for i := range calls {
		opts := []CallOption{In(&lane)}
		if i%3 != 0 {
			opts = append(opts, Held())
		}
		Go(bg, a, func(context.Context) (int, error) { return i, nil }, func(v int, err error) {
			if order = append(order, v); len(order) == calls {
				close(done)
			}
		}, opts...)
		if i%5 == 0 {
			quick(a)
		}
	}
	head.release()
	await(t, done)
	if !slices.IsSorted(order) {
		t.Errorf("called back in the order %v", order)
	}
}

func TestLanesRunBesideEachOther(t *testing.T) {
	a := newAdapter(t, WithSlots(2))
	var one, two Lane
	defer block(t, a, In(&one)).release()
	waits, _ := quick(a, In(&one))
	_, other := quick(a, In(&two))
	wantValue(t, other, "quick")
	_, none := quick(a)
	wantValue(t, none, "quick")
	if waits.State() != Waiting {
		t.Errorf("the lane's second call is %v while the first runs", waits.State())
	}
}

func TestCallsWaitingInALaneHoldNoSlot(t *testing.T) {
	a := newAdapter(t, WithSlots(2), WithQueue(8))
	var lane Lane
	head := block(t, a, In(&lane))
	for range 8 {
		quick(a, In(&lane))
	}
	_, got := quick(a)
	wantValue(t, got, "quick")
	head.release()
}

func TestBusyLaneDoesNotStarveTheQueue(t *testing.T) {
	a := newAdapter(t, WithSlots(1))
	var lane Lane
	head := block(t, a, In(&lane))
	const calls = 10
	var order []int // bodies run one at a time
	for i := range calls {
		Go(bg, a, func(context.Context) (int, error) { order = append(order, i); return 0, nil }, func(int, error) {}, In(&lane))
	}
	cb, got := into[int]()
	Go(bg, a, func(context.Context) (int, error) { return len(order), nil }, cb)
	head.release()
	wantValue(t, got, 0) // it waited for a slot before any of them did
	_, last := quick(a, In(&lane))
	wantValue(t, last, "quick")
}

func TestCancelOfTheRunningHeadKeepsTheLaneInOrder(t *testing.T) {
	for name, opts := range kinds {
		t.Run(name, func(t *testing.T) {
			a := newAdapter(t, WithSlots(4))
			var lane Lane
			opts := append(opts, In(&lane), CancelWith(Abandon))
			head := block(t, a, opts...)
			second, got := quick(a, opts...)
			head.Cancel()
			wantErr(t, head.outcome, context.Canceled)
			if second.State() != Waiting {
				t.Errorf("the second call is %v while the abandoned body runs", second.State())
			}
			head.release()
			wantValue(t, got, "quick")
		})
	}
}

func TestCancelOfTheHeadWaitingForASlotPassesTheTurnOn(t *testing.T) {
	a := newAdapter(t, WithSlots(1))
	full := block(t, a)
	var lane Lane
	head, headGot := quick(a, In(&lane))
	_, held := quick(a, In(&lane), Held())
	_, third := quick(a, In(&lane))
	head.Cancel()
	wantErr(t, headGot, context.Canceled)
	wantValue(t, held, "quick") // needs no slot
	if len(third) > 0 {
		t.Error("the third call ran without a slot")
	}
	full.release()
	wantValue(t, third, "quick")
}

func TestCancelInTheMiddleOfALaneLeavesTheOthers(t *testing.T) {
	a := newAdapter(t)
	var lane Lane
	head := block(t, a, In(&lane))
	_, second := quick(a, In(&lane))
	middle, middleGot := quick(a, In(&lane))
	_, last := quick(a, In(&lane))
	if !middle.Cancel() {
		t.Error("Cancel = false")
	}
	wantErr(t, middleGot, context.Canceled) // at once
	head.release()
	wantValue(t, second, "quick")
	wantValue(t, last, "quick")
}

func TestContextEndsACallThatWaitsInALane(t *testing.T) {
	a := newAdapter(t)
	var lane Lane
	head := block(t, a, In(&lane))
	ctx, cancel := context.WithCancel(bg)
	cb, got := into[int]()
	Go(ctx, a, func(context.Context) (int, error) { t.Error("the body ran"); return 0, nil }, cb, In(&lane))
	_, last := quick(a, In(&lane))
	cancel()
	wantErr(t, got, context.Canceled)
	head.release()
	wantValue(t, last, "quick")
}

func TestLaneHoldsAsManyAsTheQueue(t *testing.T) {
	a := newAdapter(t, WithSlots(4), WithQueue(2))
	var lane Lane
	head := block(t, a, In(&lane))
	_, first := quick(a, In(&lane))
	_, second := quick(a, In(&lane))
	if _, err := TryGo(bg, a, func(context.Context) (int, error) { return 0, nil }, func(int, error) {}, In(&lane)); !errors.Is(err, ErrOverloaded) {
		t.Errorf("TryGo = %v, want ErrOverloaded", err)
	}
	_, beside := quick(a)
	wantValue(t, beside, "quick")
	head.release()
	wantValue(t, first, "quick")
	wantValue(t, second, "quick")
}

func TestHeldCallsInALaneAreNeverRefused(t *testing.T) {
	a := newAdapter(t, WithSlots(1), WithQueue(0))
	var lane Lane
	head := block(t, a, Held(), In(&lane))
	_, commit := quick(a, Held(), In(&lane))
	head.release()
	wantValue(t, commit, "quick")
}

func TestGoexitAndPanicPassTheTurnOn(t *testing.T) {
	for name, opts := range kinds {
		t.Run(name, func(t *testing.T) {
			a := newAdapter(t, WithSlots(1))
			var lane Lane
			opts := append(opts, In(&lane), CancelWith(Abandon))
			head := block(t, a, opts...)
			for range 10 {
				Go(bg, a, func(context.Context) (int, error) { runtime.Goexit(); return 0, nil }, func(int, error) {}, opts...)
				Go(bg, a, func(context.Context) (int, error) { panic("boom") }, func(int, error) {}, opts...)
			}
			_, last := quick(a, opts...)
			head.release()
			wantValue(t, last, "quick")
		})
	}
}

func TestLaneIsReadyAgainAfterItDrained(t *testing.T) {
	a := newAdapter(t, WithSlots(1))
	var lane Lane
	for range 50 {
		_, got := quick(a, In(&lane))
		wantValue(t, got, "quick")
	}
	eventually(t, "the lane is idle", func() bool {
		a.b.mu.Lock()
		defer a.b.mu.Unlock()
		return !lane.busy && lane.waiting.len == 0
	})
}
