package loop

import (
	"context"
	"errors"
	"testing"
	"time"
)

func TestStatsCount(t *testing.T) {
	l := start(t)
	on(t, l, func() {})
	before := l.Stats()
	const n = 100
	for range n {
		on(t, l, func() {})
	}
	on(t, l, func() { l.AfterFunc(0, func() {}) })
	on(t, l, func() {
		s := l.Stats()
		if got := s.Callbacks - before.Callbacks; got < n+3 {
			t.Errorf("%d callbacks counted, %d ran", got, n+3)
		}
		if s.Iterations <= before.Iterations || s.Sleeps > s.Iterations {
			t.Errorf("before %+v, after %+v", before, s)
		}
		if s.Lag.Count() == 0 || s.Lag.Quantile(0.5) <= 0 || s.Lag.Quantile(0.5) > s.Lag.Quantile(1) {
			t.Errorf("lag %v", s.Lag)
		}
	})
	for end := time.Now().Add(20 * time.Second); ; { // a busy loop need not sleep
		s := l.Stats()
		if s.Iterations > 0 && s.Sleeps > 0 && s.Wakeups > 0 {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("seen from outside: %+v", s)
		}
		on(t, l, func() {})
	}
}

func TestHistogram(t *testing.T) {
	var h Histogram
	if h.Count() != 0 || h.Quantile(0.5) != 0 {
		t.Error("an empty histogram has values")
	}
	for _, ns := range []int64{-5, 0, 999} {
		h.add(ns)
	}
	h.add(1000) // 1 µs: the bucket that ends at 2 µs
	h.add(1 << 62)
	if h[0] != 3 || h[1] != 1 || h[len(h)-1] != 1 || h.Count() != 5 {
		t.Errorf("%v", h)
	}
	for q, want := range map[float64]time.Duration{
		0: time.Microsecond, 0.6: time.Microsecond, 0.8: 2 * time.Microsecond, 1: time.Microsecond << 23,
	} {
		if got := h.Quantile(q); got != want {
			t.Errorf("Quantile(%v) = %v, want %v", q, got, want)
		}
	}
}

func TestRunOnce(t *testing.T) {
	l, err := New()
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	bg := context.Background()
	ended, cancel := context.WithCancel(bg)
	cancel()

	if err := l.RunOnce(ended); !errors.Is(err, context.Canceled) { // nothing to do: no wait
		t.Errorf("RunOnce with nothing to do = %v", err)
	}
	ran := 0
	l.Post(func() { ran++ })
	if err := l.RunOnce(ended); err != nil || ran != 1 { // something to do
		t.Errorf("RunOnce = %v, %d ran", err, ran)
	}
	go l.Post(func() { // waits for it; and what it posts is for the next one
		ran++
		l.Post(func() { ran += 100 })
	})
	if err := l.RunOnce(bg); err != nil || ran != 2 {
		t.Errorf("RunOnce = %v, %d ran", err, ran)
	}
	if err := l.RunOnce(bg); err != nil || ran != 102 {
		t.Errorf("RunOnce = %v, %d ran", err, ran)
	}
	l.AfterFunc(time.Millisecond, func() { ran++ })
	if err := l.RunOnce(bg); err != nil || ran != 103 {
		t.Errorf("RunOnce with a timer = %v, %d ran", err, ran)
	}
	returned := make(chan error)
	go func() { returned <- l.RunOnce(bg) }()
	for done := false; !done; { // a Stop that comes too early does nothing
		l.Stop()
		select {
		case err := <-returned:
			if err != nil {
				t.Errorf("RunOnce that was stopped = %v", err)
			}
			done = true
		default:
		}
	}
	l.Post(func() {
		if err := l.RunOnce(bg); !errors.Is(err, ErrRunning) {
			t.Errorf("RunOnce from a callback = %v", err)
		}
	})
	if err := l.RunOnce(bg); err != nil {
		t.Error(err)
	}
	l.Close()
	if err := l.RunOnce(bg); !errors.Is(err, ErrClosed) {
		t.Errorf("RunOnce after Close = %v", err)
	}
}
