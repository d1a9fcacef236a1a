package loop

import (
	"container/heap"
	"time"
)

// Timer is a callback to run later on the loop. Its methods belong to the
// loop's goroutine, like [Loop.AfterFunc].
type Timer struct {
	l    *Loop
	fn   func()
	when time.Time
	seq  uint64 // order of creation, for ties
	at   int    // place in the heap; -1 when not armed
}

// AfterFunc runs fn on the loop once d has passed, not earlier; a d of zero or
// less means the next iteration. Call it on the loop's goroutine, or before
// the loop runs; elsewhere it panics. Timers that are armed when the loop is
// closed never fire.
func (l *Loop) AfterFunc(d time.Duration, fn func()) *Timer {
	if fn == nil {
		panic("loop: AfterFunc needs a function, not nil")
	}
	t := &Timer{l: l, fn: fn, at: -1}
	l.mustOwn("AfterFunc")
	t.arm(d)
	return t
}

// Stop disarms the timer and reports whether it was armed: if it returns true,
// fn will not run. On the loop only.
func (t *Timer) Stop() bool {
	t.l.mustOwn("Timer.Stop")
	if t.at < 0 {
		return false
	}
	heap.Remove(&t.l.timers, t.at)
	return true
}

// Reset arms the timer anew, to run its function once d has passed from now,
// and reports whether it was armed before. On the loop only.
func (t *Timer) Reset(d time.Duration) bool {
	was := t.Stop()
	t.arm(d)
	return was
}

func (t *Timer) arm(d time.Duration) {
	t.l.timerSeq++
	t.seq = t.l.timerSeq
	t.when = time.Now().Add(d)
	heap.Push(&t.l.timers, t)
}

// runTimers is phase 1. Timers armed meanwhile wait for the next iteration.
func (l *Loop) runTimers() {
	if len(l.timers) == 0 {
		return
	}
	for now, last := time.Now(), l.timerSeq; l.runDue(now, last); {
	}
}

// runDue runs timers that are due at now and were armed up to last. It reports
// whether it has to be called again, after a panic.
func (l *Loop) runDue(now time.Time, last uint64) (again bool) {
	defer l.contain()
	again = true // what a panic leaves behind
	for len(l.timers) > 0 {
		t := l.timers[0]
		if t.when.After(now) || t.seq > last {
			break
		}
		heap.Pop(&l.timers)
		t.fn()
	}
	return false
}

// nextTimer is when the first timer is due, or zero.
func (l *Loop) nextTimer() time.Time {
	if len(l.timers) == 0 {
		return time.Time{}
	}
	return l.timers[0].when
}

// timerHeap is ordered by time, then by creation.
type timerHeap []*Timer

func (h timerHeap) Len() int { return len(h) }

func (h timerHeap) Less(i, j int) bool {
	if h[i].when.Equal(h[j].when) {
		return h[i].seq < h[j].seq
	}
	return h[i].when.Before(h[j].when)
}

func (h timerHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].at, h[j].at = i, j
}

func (h *timerHeap) Push(x any) {
	t := x.(*Timer)
	t.at = len(*h)
	*h = append(*h, t)
}

func (h *timerHeap) Pop() any {
	old := *h
	t := old[len(old)-1]
	old[len(old)-1] = nil
	t.at = -1
	*h = old[:len(old)-1]
	return t
}
