package loop

import (
	"math/rand/v2"
	"slices"
	"strings"
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

func TestAtRunsAtItsTime(t *testing.T) {
	l := start(t)
	var order []string
	done := make(chan struct{})
	on(t, l, func() {
		at := time.Now().Add(2 * time.Millisecond)
		l.At(at, func() {
			order = append(order, "first")
			if time.Now().Before(at) {
				t.Error("it ran early")
			}
		})
		l.At(at, func() { order = append(order, "second") }) // a tie: by creation
		l.At(at.Add(time.Millisecond), func() { close(done) })
		l.At(time.Time{}, func() { order = append(order, "past") })
	})
	await(t, done)
	on(t, l, func() {
		if !slices.Equal(order, []string{"past", "first", "second"}) {
			t.Errorf("ran as %q", order)
		}
	})
}

func TestEveryKeepsItsRhythmAndCanBeStopped(t *testing.T) {
	l := start(t)
	const d = 2 * time.Millisecond
	done := make(chan struct{})
	on(t, l, func() {
		began, runs := time.Now(), 0
		var tm *Timer
		tm = l.Every(d, func() {
			runs++
			// Each run is at or after a multiple of d, and the next at a later one.
			if since := time.Since(began); since < time.Duration(runs)*d {
				t.Errorf("run %d came after %v", runs, since)
			}
			if next := tm.when.Sub(began) % d; next < 0 || next > time.Millisecond && d-next > time.Millisecond {
				t.Errorf("the next run is %v off the rhythm", next)
			}
			if runs == 5 {
				if !tm.Stop() {
					t.Error("Stop from within says that it was not armed")
				}
				l.AfterFunc(3*d, func() { close(done) })
			}
			if runs > 5 {
				t.Error("it ran after Stop")
			}
		})
	})
	await(t, done)
}

// A loop that was busy for many periods runs the callback once, not many times.
func TestEveryLeavesOutWhatWasMissed(t *testing.T) {
	l := start(t)
	done := make(chan struct{})
	on(t, l, func() {
		const d = time.Millisecond
		runs := 0
		tm := l.Every(d, func() { runs++ })
		tm.when = tm.when.Add(-time.Hour) // as if it had been due for an hour
		l.AfterFunc(0, func() {
			if runs != 1 || !tm.when.After(time.Now().Add(-d)) {
				t.Errorf("%d runs; the next is due at %v", runs, tm.when)
			}
			tm.Stop()
			close(done)
		})
		l.rebuild()
	})
	await(t, done)
}

func TestTimersRefuseNonsense(t *testing.T) {
	l := start(t)
	on(t, l, func() {
		for name, f := range map[string]func(){
			"AfterFunc": func() { l.AfterFunc(1, nil) },
			"At":        func() { l.At(time.Now(), nil) },
			"Every":     func() { l.Every(0, func() {}) },
		} {
			func() {
				defer func() {
					if v, _ := recover().(string); !strings.Contains(v, name) {
						t.Errorf("%s: panic with %q", name, v)
					}
				}()
				f()
			}()
		}
	})
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

// A timer that is armed for the past again and again takes turns with others.
func TestATimerOfThePastStarvesNoOther(t *testing.T) {
	l := start(t)
	fired := make(chan struct{})
	on(t, l, func() {
		stop := false
		var again func()
		again = func() {
			if !stop {
				l.At(time.Now().Add(-time.Hour), again)
			}
		}
		again()
		l.AfterFunc(time.Millisecond, func() { stop = true; close(fired) })
	})
	await(t, fired)
}

// Timers that outlive their loop can be stopped and reset, to no effect, by any
// goroutine.
func TestTimersOfAClosedLoop(t *testing.T) {
	l, err := New()
	if err != nil {
		t.Fatal(err)
	}
	never := func() { t.Error("a timer of a closed loop fired") }
	timers := []*Timer{l.AfterFunc(time.Hour, never), l.Every(time.Hour, never)}
	l.Post(func() { timers = append(timers, l.AfterFunc(0, never)) }) // run by Close
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	timers = append(timers, l.AfterFunc(0, never), l.At(time.Time{}, never))
	done := make(chan struct{})
	for range 2 {
		go func() {
			for i, tm := range timers {
				if tm.Stop() || tm.Reset(0) || tm.Stop() {
					t.Errorf("timer %d says that it was armed", i)
				}
			}
			done <- struct{}{}
		}()
	}
	<-done
	<-done
}
