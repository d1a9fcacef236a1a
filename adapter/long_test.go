package adapter

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestLongCallsHaveSlotsAndAQueueOfTheirOwn(t *testing.T) {
	a := newAdapter(t, WithSlots(1), WithLongSlots(2), WithQueue(1))
	one, two := block(t, a, Long()), block(t, a, Long())
	waits, waited := quick(a, Long())
	_, refused := quick(a, Long())
	wantErr(t, refused, ErrOverloaded)
	if s := a.Stats(); s.LongSlots != 2 || s.Slots != 0 || s.Waiting != 1 || waits.State() != Waiting {
		t.Errorf("%+v", s)
	}
	for range 10 { // the queue for short ones is free
		_, got := quick(a)
		wantValue(t, got, "quick")
		eventually(t, "the slot is free", func() bool { return a.Stats().Slots == 0 })
	}
	one.release()
	wantValue(t, waited, "quick")
	two.release()
}

func TestShortCallsCannotStarveLongOnes(t *testing.T) {
	a := newAdapter(t, WithSlots(1), WithLongSlots(1), WithQueue(1))
	short := block(t, a)
	quick(a)
	_, refused := quick(a)
	wantErr(t, refused, ErrOverloaded)
	_, got := quick(a, Long())
	wantValue(t, got, "quick")
	short.release()
}

func TestOverloadNamesWhatIsTaken(t *testing.T) {
	a := newAdapter(t).Backend("db", WithSlots(1), WithLongSlots(2), WithQueue(0))
	block(t, a)
	block(t, a, Long())
	block(t, a, Long())
	var lane Lane
	block(t, a, Held(), In(&lane))
	for want, opts := range map[string][]CallOption{
		`"db" runs 1 calls and has 0 waiting`:      nil,
		`"db" runs 2 long calls and has 0 waiting`: {Long()},
		`a lane of backend "db" has 0 calls`:       {In(&lane)},
	} {
		if _, err := TryGo(bg, a, refusal(t), func(int, error) {}, opts...); !errors.Is(err, ErrOverloaded) || !strings.Contains(err.Error(), want) {
			t.Errorf("TryGo = %v, want it to say %s", err, want)
		}
	}
}

func TestTheLastClassSaidCounts(t *testing.T) {
	a := newAdapter(t, WithSlots(1), WithLongSlots(1), WithQueue(0))
	block(t, a)
	block(t, a, Held(), Long()) // takes the slot for long calls
	_, refused := quick(a, Long())
	wantErr(t, refused, ErrOverloaded)
	for _, opts := range [][]CallOption{{Long(), Held()}, {Long(), Releasing()}} {
		_, got := quick(a, opts...)
		wantValue(t, got, "quick")
	}
}

func TestReleasingCallsOutliveTheExecutorsContext(t *testing.T) {
	a := newAdapter(t, WithSlots(1), WithQueue(0))
	ctx, cancel := context.WithCancel(bg)
	cancel()
	view := a.On(mortal{a.Loop(), ctx})
	block(t, a)
	_, rollback := quick(view, Releasing())
	wantValue(t, rollback, "quick")
	cb, query := into[int]()
	Go(bg, view, func(ctx context.Context) (int, error) { <-ctx.Done(); return 0, ctx.Err() }, cb, Held())
	wantErr(t, query, context.Canceled)
}

// mortal is an executor whose context ends.
type mortal struct {
	exec interface{ Post(func()) error }
	ctx  context.Context
}

func (m mortal) Post(fn func()) error     { return m.exec.Post(fn) }
func (m mortal) Context() context.Context { return m.ctx }

func TestLaneMayMixLongCallsWithOthers(t *testing.T) {
	a := newAdapter(t, WithSlots(2), WithLongSlots(1))
	fullShort, fullLong := block(t, a), block(t, a, Long())
	var lane Lane
	var order []int // on the loop
	done := make(chan struct{})
	const calls = 90
	kinds := [][]CallOption{nil, {Long()}, {Held()}}
	for i := range calls {
		Go(bg, a, func(context.Context) (int, error) { return i, nil }, func(v int, err error) {
			if order = append(order, v); len(order) == calls {
				close(done)
			}
		}, append(slices.Clone(kinds[i%3]), In(&lane))...)
		if i%10 == 0 { // these compete for the slots
			quick(a)
			quick(a, Long())
		}
	}
	fullLong.release()
	await(t, done)
	if !slices.IsSorted(order) {
		t.Errorf("called back in the order %v", order)
	}
	fullShort.release()
	eventually(t, "no slot is taken", func() bool { s := a.Stats(); return s.Slots+s.LongSlots+s.Waiting == 0 })
}

func TestALongHeadOfALaneKeepsNoShortSlot(t *testing.T) {
	a := newAdapter(t, WithSlots(1), WithLongSlots(1))
	var lane Lane
	head := block(t, a, Long(), In(&lane))
	_, next := quick(a, In(&lane))
	_, beside := quick(a)
	wantValue(t, beside, "quick")
	if len(next) > 0 {
		t.Error("the lane's second call ran beside the first")
	}
	head.release()
	wantValue(t, next, "quick")
}

func TestTheBackendsTimeoutIsForShortCallsOnly(t *testing.T) {
	a := newAdapter(t, WithTimeout(time.Hour))
	deadline := func(opts ...CallOption) bool {
		cb, got := into[bool]()
		Go(bg, a, func(ctx context.Context) (bool, error) {
			_, has := ctx.Deadline()
			return has, nil
		}, cb, opts...)
		return await(t, got).value
	}
	if !deadline() || deadline(Timeout(0)) || deadline(Long()) || deadline(Held()) || !deadline(Long(), Timeout(time.Hour)) {
		t.Error("want a deadline for short calls, and for those with a timeout of their own")
	}
}
