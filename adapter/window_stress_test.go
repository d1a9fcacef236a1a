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

// windowStress is a window per starter on one executor, whose calls end in all
// ways in a random order.
type windowStress struct {
	t    *testing.T
	seed uint64
	a    *Adapter // its executor may be closed in the middle of it
}

// ordered is what one starter has started, in order, and what came of it.
type ordered struct {
	window    Window
	calls     []*Call
	came      []atomic.Int32
	callbacks []int // on the executor
}

func TestWindowStress(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	old := slog.Default()
	slog.SetDefault(slog.New(slog.DiscardHandler)) // panics of bodies whose executors are closed
	defer slog.SetDefault(old)
	rounds := 0
	for end := time.Now().Add(2 * time.Second); time.Now().Before(end) && !t.Failed(); rounds++ {
		windowRound(t, seed+uint64(rounds))
	}
	t.Logf("%d rounds", rounds)
}

func windowRound(t *testing.T, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 0))
	l, err := loop.Start(bg, loop.WithPanicHandler(func(any, []byte) {}))
	if err != nil {
		t.Fatal(err)
	}
	s := &windowStress{t: t, seed: seed}
	s.a = New(l, WithSlots(1+r.IntN(6)), WithQueue(r.IntN(20)), WithLongSlots(2), WithGrace(time.Hour))
	var starters, enders sync.WaitGroup
	all := make([]*ordered, 3)
	for i := range all {
		all[i] = new(ordered)
		starters.Go(func() { s.start(all[i], rand.New(rand.NewPCG(seed, uint64(i+1))), 60) })
	}
	closeExecutor := r.IntN(3) == 0
	if delay := r.IntN(200); closeExecutor {
		enders.Go(func() {
			for range delay {
				runtime.Gosched()
			}
			if err := l.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	if patience := time.Duration(r.IntN(2000)) * time.Microsecond; r.IntN(3) == 0 {
		enders.Go(func() {
			ctx, cancel := context.WithTimeout(bg, patience)
			defer cancel()
			if err := s.a.Close(ctx); err != nil && !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("seed %d: Close = %v", seed, err)
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
	if err := l.Close(); err != nil && !closeExecutor {
		t.Error(err)
	}
	s.check(all)
}

func (s *windowStress) start(o *ordered, r *rand.Rand, calls int) {
	o.came = make([]atomic.Int32, calls)
	for i := range calls {
		s.one(o, i, r)
		if r.IntN(4) == 0 {
			runtime.Gosched()
		}
	}
}

// one starts a call of a random kind with a random fate.
func (s *windowStress) one(o *ordered, i int, r *rand.Rand) {
	opts := []CallOption{Ordered(&o.window), CancelWith(CancelPolicy(r.IntN(3)))}
	switch r.IntN(6) {
	case 0:
		opts = append(opts, Held())
	case 1:
		opts = append(opts, Long())
	case 2:
		opts = append(opts, Timeout(time.Duration(1+r.IntN(300))*time.Microsecond))
	}
	yields, end := r.IntN(40), r.IntN(12)
	body := func(ctx context.Context) (int, error) {
		for range yields {
			runtime.Gosched()
		}
		switch end {
		case 0:
			panic("stress")
		case 1:
			runtime.Goexit()
		case 2:
			return 0, ctx.Err()
		}
		return 1, nil
	}
	cb := func(int, error) {
		o.came[i].Add(1)
		o.callbacks = append(o.callbacks, i)
		switch end {
		case 3:
			panic("stress")
		case 4:
			runtime.Goexit()
		}
	}
	ctx, cancel := context.WithCancel(bg)
	var c *Call
	if r.IntN(4) == 0 {
		var err error
		if c, err = TryGo(ctx, s.a, body, cb, opts...); err != nil {
			cancel()
			o.calls = append(o.calls, nil)
			return
		}
	} else {
		c = Go(ctx, s.a, body, cb, opts...)
	}
	o.calls = append(o.calls, c)
	switch r.IntN(6) {
	case 0:
		c.Cancel()
	case 1:
		other := o.calls[r.IntN(len(o.calls))]
		go func() {
			if other != nil {
				other.Cancel()
			}
		}()
	case 2:
		cancel()
	}
	go func() { <-c.Done(); cancel() }()
}

func (s *windowStress) check(all []*ordered) {
	lost := 0
	for _, o := range all {
		for i, c := range o.calls {
			n := o.came[i].Load()
			if c == nil {
				if n > 0 {
					s.t.Errorf("seed %d: a call that TryGo had refused called back", s.seed)
				}
				continue
			}
			await(s.t, c.Done())
			if n > 1 {
				s.t.Errorf("seed %d: called back %d times", s.seed, n)
			}
			if n == 0 {
				lost++
			}
		}
		for i := 1; i < len(o.callbacks); i++ {
			if o.callbacks[i] < o.callbacks[i-1] {
				s.t.Fatalf("seed %d: called back in the order %v", s.seed, o.callbacks)
			}
		}
		wantEmpty(s.t, &o.window)
	}
	if n := s.a.Stats().Undelivered; n != uint64(lost) {
		s.t.Errorf("seed %d: %d callbacks never came, %d are counted", s.seed, lost, n)
	}
}
