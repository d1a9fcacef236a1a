package adapter

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/valet-go/valet/loop"
)

func TestPressureStress(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rounds := 0
	for end := time.Now().Add(2 * time.Second); time.Now().Before(end) && !t.Failed(); rounds++ {
		pressureRound(t, seed+uint64(rounds))
	}
	t.Logf("%d rounds", rounds)
}

// pressureRound has calls come and go around the watermarks, and checks that
// every subscriber knows how it ended.
func pressureRound(t *testing.T, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 0))
	l, second := startLoop(t), startLoop(t)
	low := r.IntN(3)
	a := New(l, WithSlots(1), WithWatermarks(low, low+1+r.IntN(5)))
	head := block(t, a)
	type listener struct {
		high, repeated bool // on its loop
		reports        int
		stopped        atomic.Bool
	}
	subscribe := func(exec loop.Executor) (*listener, func()) {
		s := new(listener)
		return s, a.On(exec).OnPressure(func(high bool) {
			if s.stopped.Load() {
				t.Errorf("seed %d: a report after stop", seed)
			}
			s.repeated = s.repeated || s.high == high
			s.high, s.reports = high, s.reports+1
		})
	}
	var all sync.WaitGroup
	var listeners []*listener
	for _, exec := range []loop.Executor{l, second, l} {
		s, _ := subscribe(exec)
		listeners = append(listeners, s)
	}
	all.Go(func() { // comes and goes
		for range 20 {
			s, stop := subscribe(second)
			onStopped := make(chan struct{})
			second.Post(func() { stop(); s.stopped.Store(true); close(onStopped) })
			<-onStopped
		}
	})
	for i := range uint64(3) {
		r := rand.New(rand.NewPCG(seed, i+1))
		all.Go(func() {
			var calls []*Call
			for range 60 {
				if len(calls) > 0 && r.IntN(2) == 0 {
					calls[0].Cancel()
					calls = calls[1:]
				} else {
					c, _ := quick(a)
					calls = append(calls, c)
				}
			}
			if r.IntN(2) == 0 {
				cancelAll(calls)
			}
		})
	}
	all.Wait()
	for _, exec := range []*loop.Loop{l, second} { // what is posted has run
		ran := make(chan struct{})
		exec.Post(func() { close(ran) })
		await(t, ran)
	}
	late, _ := subscribe(l)
	on(t, a, func() {})
	listeners = append(listeners, late)
	high := a.Stats().Pressure
	for i, s := range listeners {
		if s.high != high || s.repeated {
			t.Errorf("seed %d: subscriber %d believes %v after %d reports (one repeated: %v), the truth is %v", seed, i, s.high, s.reports, s.repeated, high)
		}
	}
	head.release()
	ctx, cancel := context.WithTimeout(bg, patience)
	defer cancel()
	if err := a.Close(ctx); err != nil {
		t.Errorf("seed %d: Close = %v", seed, err)
	}
	on(t, a, func() {})
	for i, s := range []*listener{listeners[0], listeners[2], late} {
		if s.high {
			t.Errorf("seed %d: subscriber %d was not told of the end", seed, i)
		}
	}
	for _, l := range []*loop.Loop{l, second} {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}
}
