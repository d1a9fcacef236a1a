package loop

import (
	"container/heap"
	"time"
)

// Timer is a callback to run later on the loop. Its methods belong to the
// loop's goroutine, like [Loop.AfterFunc], and do not block. On a closed loop
// any goroutine may call them; there no timer is armed.
type Timer struct {
	l     *Loop
	fn    func()
	when  time.Time
	seq   uint64 // order of creation, for ties
	at    int    // place in the heap; -1 when not armed
	every time.Duration
}

// AfterFunc runs fn on the loop once d has passed, not earlier; a d of zero or
// less means the next iteration. Call it on the loop's goroutine, or before
// the loop runs; elsewhere it panics. It does not block. Timers that are armed
// when the loop is closed, or later, never fire.
func (l *Loop) AfterFunc(d time.Duration, fn func()) *Timer {
	return l.newTimer("AfterFunc", time.Now().Add(d), 0, fn)
}

// At is AfterFunc with a time instead of a duration: fn runs at t, not earlier,
// and in the next iteration if t has passed. A t without a monotonic reading is
// converted now, so later steps of the wall clock do not move it.
func (l *Loop) At(t time.Time, fn func()) *Timer {
	if t == t.Round(0) { // see package time
		now := time.Now()
		t = now.Add(t.Sub(now))
	}
	return l.newTimer("At", t, 0, fn)
}

// Every runs fn again and again, first once d has passed. The times are those
// that d divides the time from now into, not the ends of fn's runs; those that
// passed while the loop was busy are left out. A d that is not positive is a
// panic. Otherwise it is as AfterFunc; [Timer.Stop] ends it, from within fn as
// well.
func (l *Loop) Every(d time.Duration, fn func()) *Timer {
	if d <= 0 {
		panic("loop: Every needs a positive duration, not " + d.String())
	}
	return l.newTimer("Every", time.Now().Add(d), d, fn)
}

func (l *Loop) newTimer(what string, when time.Time, every time.Duration, fn func()) *Timer {
	if fn == nil {
		panic("loop: " + what + " needs a function, not nil")
	}
	l.mustOwn(what)
	t := &Timer{l: l, fn: fn, at: -1, every: every}
	t.arm(when)
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
// and reports whether it was armed before. A timer made by Every then goes on
// with its period. On the loop only.
func (t *Timer) Reset(d time.Duration) bool {
	was := t.Stop()
	t.arm(time.Now().Add(d))
	return was
}

func (t *Timer) arm(when time.Time) {
	l := t.l
	if l.timersClosed() {
		return
	}
	if when.Before(l.timersAt) {
		// Before timers that are due already it would keep them waiting as long
		// as one is armed from within another; and the zero time means never.
		when = l.timersAt
	}
	l.timerSeq++
	t.seq = l.timerSeq
	t.when = when
	heap.Push(&l.timers, t)
}

// timersClosed reports whether the loop has dropped its timers.
func (l *Loop) timersClosed() bool {
	select {
	case <-l.ended:
		return true
	default:
		return false
	}
}

// dropTimers disarms every timer, because the loop is closed.
func (l *Loop) dropTimers() {
	for _, t := range l.timers {
		t.at = -1
	}
	l.timers = nil
}

// runTimers is phase 1. Timers armed meanwhile wait for the next iteration.
func (l *Loop) runTimers() {
	if len(l.timers) == 0 {
		return
	}
	l.timersAt = time.Now()
	for now, last := l.timersAt, l.timerSeq; l.runDue(now, last); {
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
		l.counts.Lag.add(int64(now.Sub(t.when)))
		if t.every > 0 {
			passed := now.Sub(t.when) / t.every
			t.arm(t.when.Add((passed + 1) * t.every))
		}
		l.began()
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
