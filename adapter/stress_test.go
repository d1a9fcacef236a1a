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
// with cancellation, contexts, timeouts, Close and the end of executors.
type stress struct {
	t      *testing.T
	seed   uint64
	slots  int
	long   int
	a      *Adapter
	second *loop.Loop // may be closed in the middle of it
	lanes  [3]struct {
		Lane
		inside atomic.Int32
	}
	inside, insideLong atomic.Int32  // bodies with a slot
	mortals            [4]*frontend  // on both loops by turns; end in the middle of it
	over               chan struct{} // closed when patient bodies are to return
	refused            atomic.Int64  // by TryGo
	started            atomic.Int64  // attempts

	mu    sync.Mutex // guards calls
	calls []*tracked
}

func TestStress(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	old := slog.Default()
	slog.SetDefault(slog.New(slog.DiscardHandler)) // panics of bodies whose executors are closed
	defer slog.SetDefault(old)
	rounds := 0
	fates := fates{}
	for end := time.Now().Add(4 * time.Second); time.Now().Before(end) && !t.Failed(); rounds++ {
		stressRound(t, seed+uint64(rounds), fates)
	}
	t.Logf("%d rounds: %v", rounds, fates)
}

func stressRound(t *testing.T, seed uint64, fates fates) {
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
	s := &stress{t: t, seed: seed, slots: 1 + r.IntN(4), long: 1 + r.IntN(2), second: second, over: make(chan struct{})}
	opts := []Option{
		WithSlots(s.slots), WithLongSlots(s.long), WithQueue(r.IntN(30)), WithCancel(policies[r.IntN(3)]),
		WithAbandoned(r.IntN(4)), WithGrace(time.Duration(1+r.IntN(2000)) * time.Microsecond),
	}
	if r.IntN(3) == 0 {
		opts = append(opts, WithTimeout(time.Duration(1+r.IntN(3000))*time.Microsecond))
	}
	s.a = New(first, opts...)
	for i := range s.mortals {
		s.mortals[i] = newFrontend(t, s.a)
		if i%2 == 1 {
			s.mortals[i].Executor = second
		}
	}

	var starters sync.WaitGroup
	for i := range uint64(3) {
		starters.Go(func() { s.start(rand.New(rand.NewPCG(seed, i+1)), 40) })
	}
	var enders sync.WaitGroup
	if r.IntN(2) == 0 {
		patience := time.Duration(r.IntN(2000)) * time.Microsecond
		enders.Go(func() {
			ctx, cancel := context.WithTimeout(bg, patience)
			defer cancel()
			if err := s.a.Close(ctx); err != nil && !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("Close = %v", err)
			}
		})
	}
	for _, m := range s.mortals {
		delay := r.IntN(400)
		enders.Go(func() { yield(delay); m.end() })
	}
	closeSecond := r.IntN(2) == 0
	if closeSecond {
		delay := r.IntN(200)
		enders.Go(func() {
			yield(delay)
			if err := second.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	starters.Wait()
	close(s.over)
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
	s.check(fates)
}

func yield(times int) {
	for range times {
		runtime.Gosched()
	}
}

func (s *stress) start(r *rand.Rand, calls int) {
	var windows [2]tally // by loop
	for range calls {
		s.one(r, &windows)
		if r.IntN(4) == 0 {
			runtime.Gosched()
		}
	}
}

func (s *stress) errorf(format string, args ...any) {
	s.t.Helper()
	s.t.Errorf("seed %d: "+format, append([]any{s.seed}, args...)...)
}

func (s *stress) check(fates fates) {
	lost := 0
	for _, c := range s.calls {
		await(s.t, c.Done())
		if c.callbacks.Load() == 0 {
			lost++
		}
		s.checkCall(c, fates)
	}
	stats := s.a.Stats()
	if uint64(lost) != stats.Undelivered {
		s.errorf("%d of %d calls never called back, but %d are counted as undelivered", lost, len(s.calls), stats.Undelivered)
	}
	if n := uint64(s.started.Load()); stats.Started+stats.Refused != n {
		s.errorf("%d calls were tried, but %d are counted as started and %d as refused", n, stats.Started, stats.Refused)
	}
	if n := uint64(s.refused.Load()); stats.Refused < n {
		s.errorf("%d calls were refused, but %d are counted", n, stats.Refused)
	}
	b := s.a.b
	b.mu.Lock()
	defer b.mu.Unlock()
	taken, queued := 0, 0
	for _, l := range b.lines {
		taken, queued = taken+l.taken, queued+l.queue.len
	}
	if stats.Running+stats.Waiting+stats.Abandoned > 0 || taken+b.active+b.ending+queued+len(b.idle) > 0 {
		s.errorf("not empty after Close: %+v, %d slots taken, %d idle", stats, taken, len(b.idle))
	}
	if len(b.watches)+len(b.idleWatches) > 0 {
		s.errorf("%d contexts are watched after Close", len(b.watches))
	}
	for _, c := range s.calls {
		if r := c.rare.Load(); r != nil && (r.timer != nil && r.timer.Stop() || r.grace != nil && r.grace.Stop()) {
			s.errorf("a call that is over has a timer")
		}
	}
}
