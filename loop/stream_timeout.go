package loop

import "time"

// timeout limits how long something may wait. It is lazy: what ends a wait only
// notes so, and the timer, when it fires, is armed for what is left. So a read
// that is served in time costs no change of the timers' heap.
type timeout struct {
	limit time.Duration // zero or less: none
	clock *clock        // made by the first wait
}

// clock times the waits of a stream, one after another.
type clock struct {
	since time.Time // when the wait, or its last progress, began; zero: nothing waits
	timer *Timer
}

// start begins a wait; fire is for the timer, and always the same.
func (t *timeout) start(s *Stream, fire func(*Stream)) {
	if t.limit <= 0 {
		return
	}
	switch {
	case t.clock == nil:
		t.clock = &clock{timer: s.l.AfterFunc(t.limit, func() { fire(s) })}
	case t.clock.timer.at < 0:
		t.clock.timer.Reset(t.limit)
	}
	t.clock.since = time.Now()
}

// progress begins the running wait anew.
func (t *timeout) progress() {
	if t.clock != nil && !t.clock.since.IsZero() {
		t.clock.since = time.Now()
	}
}

// rest ends the wait.
func (t *timeout) rest() {
	if t.clock != nil {
		t.clock.since = time.Time{}
	}
}

// set changes the limit; a wait that is running begins anew.
func (t *timeout) set(s *Stream, d time.Duration, waiting bool, fire func(*Stream)) {
	t.stop()
	t.limit = d
	if waiting {
		t.start(s, fire)
	}
}

// over reports, in the timer's callback, whether the wait was too long; if not,
// it arms the timer again.
func (t *timeout) over() bool {
	if t.clock.since.IsZero() {
		return false
	}
	if left := t.limit - time.Since(t.clock.since); left > 0 {
		t.clock.timer.Reset(left)
		return false
	}
	return true
}

// stop ends the wait and disarms the timer.
func (t *timeout) stop() {
	t.rest()
	if t.clock != nil {
		t.clock.timer.Stop()
	}
}
