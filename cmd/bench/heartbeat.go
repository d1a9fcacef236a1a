package main

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/valet-go/valet/loop"
)

// heartbeat tells how late things run on one goroutine that has other work too:
// beats of a timer, and functions that another goroutine hands over to it.
type heartbeat struct {
	counting *atomic.Bool // what runs while it is false is not counted
	timer    histogram    // from when a beat was due until it ran
	post     histogram    // from just before a function was handed over until it ran

	due time.Time // the next beat; whoever beats has it for itself
}

// beatEvery is the time from one beat to the next, and from one hand-over to
// the next.
const beatEvery = time.Millisecond

// onLoop lets a loop beat, with a timer of its own and Post, until stop is
// called.
func (h *heartbeat) onLoop(l *loop.Loop) (stop func(), err error) {
	var timer *loop.Timer
	if err := l.Post(func() {
		h.due = time.Now().Add(beatEvery)
		timer = l.Every(beatEvery, h.beat)
	}); err != nil {
		return nil, err
	}
	quit := make(chan struct{})
	var posts sync.WaitGroup
	posts.Go(func() { h.handOver(l.Post, quit) })
	return func() {
		close(quit)
		posts.Wait()
		l.Post(func() { timer.Stop() })
	}, nil
}

// onGoroutines does the same with plain means: a goroutine with a ticker, and
// one at the end of a channel.
func (h *heartbeat) onGoroutines() (stop func()) {
	quit := make(chan struct{})
	functions := make(chan func(), 1024)
	var beats, posts, runs sync.WaitGroup
	h.due = time.Now().Add(beatEvery)
	beats.Go(func() { every(beatEvery, quit, h.beat) })
	runs.Go(func() {
		for fn := range functions {
			fn()
		}
	})
	posts.Go(func() {
		h.handOver(func(fn func()) error { functions <- fn; return nil }, quit)
	})
	return func() {
		close(quit)
		beats.Wait()
		posts.Wait()
		close(functions)
		runs.Wait()
	}
}

// beat counts the beats that are due. Those that were left out because the
// goroutine was busy, as by a ticker, count as well, each as late as it is now:
// a stall of 10 ms is ten late beats and not one.
func (h *heartbeat) beat() {
	for now := time.Now(); !h.due.After(now); h.due = h.due.Add(beatEvery) {
		h.count(&h.timer, now.Sub(h.due))
	}
}

// handOver hands a function over for each beat. It waits for none of them, so a
// stall makes all late that fall into it.
func (h *heartbeat) handOver(send func(func()) error, quit <-chan struct{}) {
	every(beatEvery, quit, func() {
		posted := time.Now()
		send(func() { h.count(&h.post, time.Since(posted)) })
	})
}

func (h *heartbeat) count(in *histogram, late time.Duration) {
	if h.counting.Load() {
		in.add(late)
	}
}

// every calls fn at each tick until quit is closed.
func every(d time.Duration, quit <-chan struct{}, fn func()) {
	ticker := time.NewTicker(d)
	defer ticker.Stop()
	for {
		select {
		case <-quit:
			return
		case <-ticker.C:
			fn()
		}
	}
}

// lateness is how late something ran, in microseconds.
type lateness struct {
	P50 float64 `json:"p50_us"`
	P99 float64 `json:"p99_us"`
	Max float64 `json:"max_us"`
}

func latenessOf(h *histogram) lateness {
	us := func(q float64) float64 { return float64(h.quantile(q)) / 1e3 }
	return lateness{us(0.50), us(0.99), us(1)}
}

// lateBy are the columns of a lateness.
func lateBy(what string, of func(sample) lateness) (p50, p99, most figure) {
	return always(what+" p50 µs", "%.0f", func(s sample) float64 { return of(s).P50 }),
		always(what+" p99 µs", "%.0f", func(s sample) float64 { return of(s).P99 }),
		always(what+" max µs", "%.0f", func(s sample) float64 { return of(s).Max })
}
