package main

import (
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func TestLagEndToEnd(t *testing.T) {
	for _, name := range []string{"redis-server", "mariadbd"} {
		if _, err := findProgram(name); err != nil {
			t.Skip(err)
		}
	}
	doc := smallRun(t, "-driver", "lag", "-conns", "3", "-inflight", "7", "-rows", "30000", "-warmup", "10ms")
	if len(doc.Rows) != 2 || len(doc.Ratios) != 2 {
		t.Fatalf("document: %+v", doc)
	}
	for _, r := range doc.Rows {
		if r.RowsPerSec <= 0 || r.conditions.Rows != 30000 {
			t.Errorf("%s: %+v", r.Path, r)
		}
		for _, late := range []lateness{r.TimerLag, r.PostLag} {
			if late.Max <= 0 || late.P50 > late.P99 || late.P99 > late.Max {
				t.Errorf("%s: late by %+v", r.Path, late)
			}
		}
	}
}

func TestRowsEndToEnd(t *testing.T) {
	if _, err := findProgram("mariadbd"); err != nil {
		t.Skip(err)
	}
	doc := smallRun(t, "-driver", "rows", "-path", "native,sock,valet", "-rows", "30000")
	if len(doc.Rows) != 3 || len(doc.Ratios) != 6 {
		t.Fatalf("document: %+v", doc)
	}
	for _, r := range doc.Rows {
		if r.OpsPerSec <= 0 || r.conditions.Rows != 30000 || r.TimerLag.Max <= 0 {
			t.Errorf("%s: %+v", r.Path, r)
		}
	}
}

// counted is a heartbeat whose beats and posts count.
func counted() *heartbeat {
	h := &heartbeat{counting: new(atomic.Bool)}
	h.counting.Store(true)
	return h
}

func (h *histogram) count() (n int) {
	for i := range h.buckets {
		n += int(h.buckets[i].Load())
	}
	return n
}

// A stall counts with every beat that would have come in it.
func TestBeatsThatWereLeftOutAreLate(t *testing.T) {
	h := counted()
	h.due = time.Now().Add(-10 * beatEvery)
	h.beat()
	if n := h.timer.count(); n < 11 {
		t.Errorf("%d beats counted, want 11 or more", n)
	}
	if late := h.timer.quantile(1); late < 10*beatEvery {
		t.Errorf("the latest is late by %v, want %v or more", late, 10*beatEvery)
	}
	h.counting.Store(false)
	n := h.timer.count()
	h.due = time.Now().Add(-10 * beatEvery)
	h.beat()
	if h.timer.count() != n {
		t.Error("beats counted that should not")
	}
	if !h.due.After(time.Now().Add(-beatEvery)) {
		t.Error("beats are still due")
	}
}

// A function is late from when it was handed over, however soon it could have
// been.
func TestAFunctionThatWaitsIsLate(t *testing.T) {
	h := counted()
	quit, ended := make(chan struct{}), make(chan struct{})
	sent := make(chan func(), 1)
	go func() {
		defer close(ended)
		h.handOver(func(fn func()) error {
			select {
			case sent <- fn:
			default:
			}
			return nil
		}, quit)
	}()
	fn := <-sent
	close(quit)
	<-ended
	time.Sleep(5 * beatEvery)
	fn()
	if late := h.post.quantile(1); h.post.count() != 1 || late < 5*beatEvery {
		t.Errorf("%d counted, late by %v, want 1 by %v or more", h.post.count(), late, 5*beatEvery)
	}
}

func TestAHeartbeatBeatsUntilItIsStopped(t *testing.T) {
	for name, start := range map[string]func(h *heartbeat) (func(), error){
		"on a loop":     func(h *heartbeat) (func(), error) { return h.onLoop(startLoop(t)) },
		"on goroutines": func(h *heartbeat) (func(), error) { return h.onGoroutines(), nil },
	} {
		t.Run(name, func(t *testing.T) {
			h := counted()
			stop, err := start(h)
			if err != nil {
				t.Fatal(err)
			}
			enough := func() int { return min(h.timer.count(), h.post.count(), 5) }
			if err := reach(t.Context(), "beats and posts came", 5, enough); err != nil {
				t.Error(err)
			}
			stop()
		})
	}
}

// A callback that holds the loop shows in its beats.
func TestABusyLoopIsLate(t *testing.T) {
	h, l := counted(), startLoop(t)
	stop, err := h.onLoop(l)
	if err != nil {
		t.Fatal(err)
	}
	const hold = 20 * time.Millisecond
	held := make(chan struct{})
	l.Post(func() {
		for start := time.Now(); time.Since(start) < hold; {
		}
		close(held)
	})
	<-held
	if err := reach(t.Context(), "long stalls showed", 1, func() int {
		if h.timer.quantile(1) < hold-2*beatEvery {
			return 0
		}
		return 1
	}); err != nil {
		t.Error(err)
	}
	stop()
}

func TestRowsThatAreMissingOrWrong(t *testing.T) {
	text := strings.Repeat(".", rowText)
	var c rowCheck
	if err := errors.Join(c.check(numbered{1, text}), c.check(numbered{2, text}), c.end(nil, 2)); err != nil {
		t.Error(err)
	}
	if err := c.end(nil, 3); err == nil || !strings.Contains(err.Error(), "2 came instead of 3") {
		t.Errorf("a row is missing: %v", err)
	}
	lost := errors.New("lost")
	if err := c.end(lost, 3); !errors.Is(err, lost) {
		t.Errorf("the connection was lost: %v", err)
	}
	if err := c.check(numbered{4, text}); err == nil {
		t.Error("a row was left out, and nothing was said")
	}
	if err := (&rowCheck{}).check(numbered{1, "short"}); err == nil {
		t.Error("a text is short, and nothing was said")
	}
}
