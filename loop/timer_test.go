package loop

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

func TestTimersRunInOrderOfTimeThenCreation(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	l := start(t)
	type fired struct{ ms, nth int }
	var got []fired
	done := make(chan struct{})
	const n = 500
	on(t, l, func() {
		base := time.Now()
		for i := range n {
			ms := rng.IntN(20)
			tm := l.AfterFunc(time.Hour, func() {
				got = append(got, fired{ms, i})
				if len(got) == n {
					close(done)
				}
			})
			// the same instant for all of one millisecond, so that ties happen
			tm.Reset(time.Until(base.Add(time.Duration(ms) * time.Millisecond)))
			tm.when = base.Add(time.Duration(ms) * time.Millisecond)
		}
		l.rebuild()
	})
	await(t, done)
	on(t, l, func() {
		if !slices.IsSortedFunc(got, func(a, b fired) int {
			if a.ms != b.ms {
				return a.ms - b.ms
			}
			return a.nth - b.nth
		}) {
			t.Errorf("fired as %v", got)
		}
	})
}

func TestATimerNeverFiresEarly(t *testing.T) {
	l := start(t)
	for _, d := range []time.Duration{0, time.Microsecond, time.Millisecond, 7 * time.Millisecond} {
		done := make(chan time.Duration)
		on(t, l, func() {
			began := time.Now()
			l.AfterFunc(d, func() { go func() { done <- time.Since(began) }() })
		})
		if took := await(t, done); took < d {
			t.Errorf("a timer of %v fired after %v", d, took)
		}
	}
}

func TestStopAndReset(t *testing.T) {
	l := start(t)
	done := make(chan struct{})
	on(t, l, func() {
		stopped := l.AfterFunc(0, func() { t.Error("a stopped timer fired") })
		if !stopped.Stop() || stopped.Stop() {
			t.Error("Stop must report true, then false")
		}
		fires := 0
		var twice *Timer
		twice = l.AfterFunc(0, func() {
			if fires++; fires == 1 {
				if twice.Reset(time.Microsecond) {
					t.Error("Reset reports that a timer that has fired was armed")
				}
				return
			}
			if fires > 2 {
				t.Error("fired too often")
			}
			close(done)
		})
		if !twice.Reset(time.Microsecond) {
			t.Error("Reset reports that an armed timer was not")
		}
	})
	await(t, done)
}

func TestATimerCanStopOneThatIsDueWithIt(t *testing.T) {
	l := start(t)
	done := make(chan struct{})
	on(t, l, func() {
		var second *Timer
		l.AfterFunc(0, func() { second.Stop() })
		second = l.AfterFunc(0, func() { t.Error("fired after Stop") })
		l.AfterFunc(time.Millisecond, func() { close(done) })
	})
	await(t, done)
}

func TestTimersOffTheLoopPanic(t *testing.T) {
	l := start(t)
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	l.AfterFunc(0, func() {})
}
