package loop

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// ordeal is a loop that is stopped, run again and at last closed at random,
// while its callbacks panic, end their goroutines, and stop it themselves.
type ordeal struct {
	*Loop
	t      *testing.T
	enough chan struct{}  // closed after the last tick
	ended  atomic.Bool    // Close has returned
	work   sync.WaitGroup // all that calls the loop from outside

	// The rest belongs to the loop's goroutine.
	rng              *rand.Rand
	ticks            int // until enough
	thrown, reported int // panics
}

func newOrdeal(t *testing.T, seed, round uint64) *ordeal {
	o := &ordeal{t: t, enough: make(chan struct{}), rng: rand.New(rand.NewPCG(seed, round))}
	o.ticks = 1 + o.rng.IntN(500)
	var err error
	o.Loop, err = New(WithWatchdog(10*time.Millisecond), WithLogger(slog.New(slog.DiscardHandler)), WithPanicHandler(func(v any, stack []byte) {
		if o.reported++; v != any(o) {
			t.Errorf("panic in a callback: %v\n%s", v, stack)
		}
	}))
	if err != nil {
		t.Fatal(err)
	}
	runs := rand.New(rand.NewPCG(seed, round+1000))
	o.work.Add(1)
	go o.keepRunning(runs)
	return o
}

// keepRunning runs the loop in all ways until it is closed. A callback may end
// its goroutine: then the loop goes on elsewhere, and another runner waits.
func (o *ordeal) keepRunning(rng *rand.Rand) {
	over := false
	defer func() {
		if over {
			o.work.Done()
		} else {
			go o.keepRunning(rng)
		}
	}()
	for {
		err := o.runOnceOrLonger(rng)
		switch {
		case errors.Is(err, ErrClosed):
			over = true
			return
		case errors.Is(err, ErrRunning):
			runtime.Gosched()
		case err != nil && !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded):
			o.t.Error(err)
		}
	}
}

func (o *ordeal) runOnceOrLonger(rng *rand.Rand) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(rng.IntN(3000))*time.Microsecond)
	defer cancel()
	if rng.IntN(4) == 0 {
		return o.RunOnce(ctx)
	}
	return o.Run(ctx)
}

// misbehave comes last in a callback.
func (o *ordeal) misbehave() {
	if o.ended.Load() || !o.OnLoop() {
		o.t.Error("a callback off the loop, or after Close")
	}
	switch o.rng.IntN(300) {
	case 0:
		o.thrown++
		panic(any(o))
	case 1:
		runtime.Goexit()
	case 2:
		o.Stop()
	case 3:
		o.work.Go(o.Stop)
	}
}

// poster posts until the loop is closed, and checks that what was accepted runs
// once and in order.
func (o *ordeal) poster() (check func()) {
	var accepted, ran atomic.Int64
	o.work.Go(func() {
		for i := int64(0); ; i++ {
			if err := o.Post(func() {
				if !ran.CompareAndSwap(i, i+1) {
					o.t.Errorf("number %d came in place of %d", i, ran.Load())
				}
				o.misbehave()
			}); err != nil {
				if !errors.Is(err, ErrClosed) {
					o.t.Error(err)
				}
				return
			}
			for accepted.Store(i + 1); i-ran.Load() > 100 && !o.ended.Load(); { // memory has an end
				runtime.Gosched()
			}
		}
	})
	return func() {
		if accepted.Load() != ran.Load() {
			o.t.Errorf("%d posts were accepted, %d ran", accepted.Load(), ran.Load())
		}
	}
}

// modelTimer is a timer, and what ought to be known of it.
type modelTimer struct {
	tm    *Timer
	armed bool
	due   time.Time
	every bool
}

// timers arms, resets and stops timers, from posts and from within them.
func (o *ordeal) timers() {
	var all [20]modelTimer
	act := func() {
		m := &all[o.rng.IntN(len(all))]
		d := time.Duration(o.rng.IntN(2000)-500) * time.Microsecond
		switch {
		case m.tm == nil:
			fired := func() {
				if !m.armed || time.Now().Before(m.due) {
					o.t.Errorf("a timer fired in the state %+v", *m)
				}
				m.armed = m.every
			}
			m.armed, m.every, m.due = true, o.rng.IntN(2) == 0, time.Now().Add(d)
			if m.every {
				d = max(d, time.Microsecond)
				m.due = time.Now().Add(d)
				m.tm = o.Every(d, fired)
			} else {
				m.tm = o.AfterFunc(d, fired)
			}
		case o.rng.IntN(3) == 0:
			if m.tm.Stop() != m.armed {
				o.t.Errorf("Stop said otherwise of %+v", *m)
			}
			m.armed = false
		default:
			m.due = time.Now().Add(d)
			if m.tm.Reset(d) != m.armed {
				o.t.Errorf("Reset said otherwise of %+v", *m)
			}
			m.armed = true
		}
	}
	var tick func()
	tick = func() {
		if o.ticks--; o.ticks == 0 {
			close(o.enough)
		}
		if o.rng.IntN(2) == 0 {
			o.AfterFunc(time.Duration(o.rng.IntN(200))*time.Microsecond, tick)
		} else if o.Post(tick) != nil {
			return
		}
		act()
		o.misbehave()
	}
	o.Post(tick)
}

// close closes the loop in one of three ways once so many ticks have passed, and
// waits for everything. A callback may end the goroutine that calls Close.
func (o *ordeal) close(how int) {
	await(o.t, o.enough)
	var first, early, late atomic.Int64
	closer := func() {
		early.Add(1)
		defer late.Add(1)
		if err := o.Close(); err == nil {
			first.Add(1)
		} else if !errors.Is(err, ErrClosed) {
			o.t.Error(err)
		}
	}
	var closers sync.WaitGroup
	switch how % 3 {
	case 0:
		closers.Go(closer)
	case 1:
		o.Post(closer)
	case 2: // several at once: one is the first
		for range 3 {
			closers.Go(closer)
		}
	}
	await(o.t, o.Loop.ended)
	closers.Wait()
	o.ended.Store(true)
	o.work.Wait()
	if first.Load() > 1 || early.Load() != late.Load() {
		o.t.Errorf("%d calls of Close, %d have ended, %d were the first", early.Load(), late.Load(), first.Load())
	}
	if o.thrown != o.reported || uint64(o.thrown) != o.Stats().Panics {
		o.t.Errorf("%d panics, %d reported, %d counted", o.thrown, o.reported, o.Stats().Panics)
	}
}

func TestLoopStress(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rounds := 12
	if testing.Short() {
		rounds = 3
	}
	for round := range rounds {
		o := newOrdeal(t, seed, uint64(round))
		var checks []func()
		for range 3 {
			checks = append(checks, o.poster())
		}
		o.Post(o.timers)
		o.close(round)
		for _, check := range checks {
			check()
		}
		if t.Failed() {
			t.Fatalf("in round %d", round)
		}
	}
}
