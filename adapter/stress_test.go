package adapter

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

	"github.com/valet-go/valet/loop"
)

// stress is one round: calls of all kinds from several goroutines, which race
// with cancellation, contexts, Close and the end of an executor.
type stress struct {
	t      *testing.T
	seed   uint64
	slots  int
	a      *Adapter
	second *loop.Loop // may be closed in the middle of it
	lanes  [3]struct {
		Lane
		inside atomic.Int32
	}
	inside atomic.Int32 // bodies with a slot

	mu    sync.Mutex // guards calls
	calls []*tracked
}

// tracked is a call and what became of it.
type tracked struct {
	*Call
	bodies, callbacks atomic.Int32
	released          atomic.Int32 // values given up: drops, and callbacks without an error
	succeeded         atomic.Bool
}

func TestStress(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	old := slog.Default()
	slog.SetDefault(slog.New(slog.DiscardHandler)) // panics of bodies whose executors are closed
	defer slog.SetDefault(old)
	rounds := 0
	for end := time.Now().Add(3 * time.Second); time.Now().Before(end) && !t.Failed(); rounds++ {
		stressRound(t, seed+uint64(rounds))
	}
	t.Logf("%d rounds", rounds)
}

func stressRound(t *testing.T, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 0))
	quiet := loop.WithPanicHandler(func(any, []byte) {})
	first, err := loop.Start(bg, quiet)
	if err != nil {
		t.Fatal(err)
	}
	second, err := loop.Start(bg, quiet)
	if err != nil {
		t.Fatal(err)
	}
	slots := 1 + r.IntN(4)
	s := &stress{t: t, seed: seed, slots: slots, second: second}
	s.a = New(first, WithSlots(slots), WithQueue(r.IntN(30)))

	var starters sync.WaitGroup
	for i := range uint64(3) {
		starters.Go(func() { s.start(rand.New(rand.NewPCG(seed, i+1)), 40) })
	}
	var enders sync.WaitGroup
	closeFirst := r.IntN(2) == 0
	if closeFirst {
		patience := time.Duration(r.IntN(2000)) * time.Microsecond
		enders.Go(func() {
			ctx, cancel := context.WithTimeout(bg, patience)
			defer cancel()
			if err := s.a.Close(ctx); err != nil && !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("Close = %v", err)
			}
		})
	}
	closeSecond := r.IntN(2) == 0
	if closeSecond {
		delay := r.IntN(200)
		enders.Go(func() {
			for range delay {
				runtime.Gosched()
			}
			if err := second.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	starters.Wait()
	enders.Wait()
	ctx, cancel := context.WithTimeout(bg, patience)
	defer cancel()
	if err := s.a.Close(ctx); err != nil {
		t.Fatalf("seed %d: Close = %v, with %+v", seed, err, s.a.Stats())
	}
	// What Close has waited for was posted, so the loops run it before they end.
	if err := first.Close(); err != nil {
		t.Error(err)
	}
	if err := second.Close(); err != nil && !closeSecond {
		t.Error(err)
	}
	s.check()
}

func (s *stress) start(r *rand.Rand, calls int) {
	for range calls {
		s.one(r)
		if r.IntN(4) == 0 {
			runtime.Gosched()
		}
	}
}

// one starts a call of a random kind with a random fate.
func (s *stress) one(r *rand.Rand) {
	a := s.a
	if r.IntN(2) == 0 {
		a = a.On(s.second)
	}
	var opts []CallOption
	counters := []*atomic.Int32{}
	limits := []int{}
	if r.IntN(3) == 0 {
		lane := &s.lanes[r.IntN(len(s.lanes))]
		opts = append(opts, In(&lane.Lane))
		counters, limits = append(counters, &lane.inside), append(limits, 1)
	}
	if r.IntN(4) == 0 {
		opts = append(opts, Held())
	} else {
		counters, limits = append(counters, &s.inside), append(limits, s.slots)
	}
	ctx, cancel := context.WithCancel(bg)
	if r.IntN(4) == 0 {
		ctx, cancel = context.WithTimeout(bg, time.Duration(r.IntN(300))*time.Microsecond)
	}
	c := &tracked{}
	opts = append(opts, OnDrop(func(any) { c.released.Add(1) }))
	yields, end := r.IntN(20), r.IntN(12)
	body := func(context.Context) (int, error) {
		c.bodies.Add(1)
		for i, n := range counters {
			if got := int(n.Add(1)); got > limits[i] {
				s.t.Errorf("seed %d: %d bodies at once, the limit is %d", s.seed, got, limits[i])
			}
			defer n.Add(-1)
		}
		for range yields {
			runtime.Gosched()
		}
		switch end {
		case 0:
			panic("stress")
		case 1:
			runtime.Goexit()
		case 2:
			return 0, errTest
		}
		c.succeeded.Store(true)
		return 1, nil
	}
	cb := func(_ int, err error) {
		if c.callbacks.Add(1); err == nil {
			c.released.Add(1)
		}
		switch end {
		case 3:
			panic("stress")
		case 4:
			runtime.Goexit()
		}
	}
	if r.IntN(3) == 0 {
		var err error
		if c.Call, err = TryGo(ctx, a, body, cb, opts...); err != nil {
			cancel()
			return // cb must not come; nor is it counted
		}
	} else {
		c.Call = Go(ctx, a, body, cb, opts...)
	}
	s.mu.Lock()
	s.calls = append(s.calls, c)
	other := s.calls[r.IntN(len(s.calls))] // may be another goroutine's
	s.mu.Unlock()
	switch r.IntN(6) {
	case 0:
		c.Cancel()
	case 1:
		go other.Cancel()
	case 2:
		cancel()
		return
	}
	go func() { <-c.Done(); cancel() }()
}

func (s *stress) check() {
	lost := 0
	for _, c := range s.calls {
		await(s.t, c.Done())
		switch n := c.callbacks.Load(); {
		case n > 1:
			s.t.Errorf("seed %d: called back %d times", s.seed, n)
		case n == 0:
			lost++
		}
		if n := c.bodies.Load(); n > 1 {
			s.t.Errorf("seed %d: the body ran %d times", s.seed, n)
		}
		if n := c.released.Load(); (n == 1) != c.succeeded.Load() {
			s.t.Errorf("seed %d: the value of a call (succeeded: %v) was given out %d times", s.seed, c.succeeded.Load(), n)
		}
		if c.State() != Ended {
			s.t.Errorf("seed %d: a call is %v", s.seed, c.State())
		}
	}
	stats := s.a.Stats()
	if uint64(lost) != stats.Undelivered {
		s.t.Errorf("seed %d: %d of %d calls never called back, but %d are counted as undelivered", s.seed, lost, len(s.calls), stats.Undelivered)
	}
	b := s.a.b
	b.mu.Lock()
	defer b.mu.Unlock()
	taken, queued := 0, 0
	for _, l := range b.lines {
		taken, queued = taken+l.taken, queued+l.queue.len
	}
	if stats.Running+stats.Waiting > 0 || taken+b.active+b.ending+queued+len(b.idle) > 0 {
		s.t.Errorf("seed %d: not empty after Close: %+v, %d slots taken, %d idle", s.seed, stats, taken, len(b.idle))
	}
}
