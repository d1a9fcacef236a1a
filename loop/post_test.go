package loop

import (
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
	"time"
)

func TestPostKeepsEachPostersOrder(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	l := start(t)
	const posters, each = 16, 2000
	next := [posters]int{}
	var wg sync.WaitGroup
	for p := range posters {
		rng := rand.New(rand.NewPCG(seed, uint64(p)))
		wg.Go(func() {
			for i := range each {
				l.Post(func() {
					if next[p] != i {
						t.Errorf("poster %d: callback %d ran in place of %d", p, i, next[p])
					}
					next[p] = i + 1
				})
				if rng.IntN(100) == 0 { // lets the loop fall asleep now and then
					runtime.Gosched()
				}
			}
		})
	}
	wg.Wait()
	on(t, l, func() {
		for p, n := range next {
			if n != each {
				t.Errorf("poster %d: %d of %d ran", p, n, each)
			}
		}
	})
}

// Each post must wake a loop that sleeps, or is about to.
func TestNoWakeIsLost(t *testing.T) {
	l := start(t)
	for range 20000 {
		on(t, l, func() {})
	}
}

func TestAPostFromACallbackRunsInTheNextIteration(t *testing.T) {
	l := start(t)
	var order []string
	done := make(chan struct{})
	on(t, l, func() {
		l.Post(func() {
			l.Post(func() { order = append(order, "posted"); close(done) })
			l.AfterFunc(0, func() { order = append(order, "timer") })
			order = append(order, "callback")
		})
	})
	await(t, done)
	on(t, l, func() {
		// The timer phase of the next iteration precedes its posted phase.
		if len(order) != 3 || order[0] != "callback" || order[1] != "timer" || order[2] != "posted" {
			t.Errorf("ran as %q", order)
		}
	})
}

// A callback that posts itself for ever must starve neither timers nor, by the
// budget, a long queue's sockets.
func TestAnEndlessPosterDoesNotStarveTimers(t *testing.T) {
	l := start(t)
	fired := make(chan struct{})
	stop := false
	var again func()
	again = func() {
		if !stop {
			l.Post(again)
		}
	}
	on(t, l, func() {
		again()
		l.AfterFunc(time.Millisecond, func() { stop = true; close(fired) })
	})
	await(t, fired)
}

func TestPostOfNilPanics(t *testing.T) {
	l := start(t)
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	l.Post(nil)
}

func BenchmarkPost(b *testing.B) {
	l := start(b)
	n := 0
	fn := func() { n++ }
	b.ReportAllocs()
	for b.Loop() {
		l.Post(fn)
	}
	on(b, l, func() {})
}

func BenchmarkPostRoundTrip(b *testing.B) {
	l := start(b)
	back := make(chan struct{})
	fn := func() { back <- struct{}{} }
	b.ReportAllocs()
	for b.Loop() {
		l.Post(fn)
		<-back
	}
}

// BenchmarkChannel is what Post is measured against.
func BenchmarkChannel(b *testing.B) {
	ch := make(chan func(), 1024)
	done := make(chan struct{})
	go func() {
		for f := range ch {
			f()
		}
		close(done)
	}()
	n := 0
	fn := func() { n++ }
	for b.Loop() {
		ch <- fn
	}
	close(ch)
	<-done
}
