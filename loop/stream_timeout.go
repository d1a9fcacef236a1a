package loop

import "time"

// timeout limits how long something may wait. It is lazy: what ends a wait only
// notes so, and the timer, when it fires, is armed for what is left. So a read
// that is served in time costs no change of the timers' heap.
type timeout struct {
	limit time.Duration // zero or less: none
	since time.Time     // when the wait, or its last progress, began; zero: nothing waits
	fire  func()        // the timer's callback
	timer *Timer
}

// start begins a wait.
func (t *timeout) start(l *Loop) {
	if t.limit <= 0 {
		return
	}
	t.since = time.Now()
	switch {
	case t.timer == nil:
		t.timer = l.AfterFunc(t.limit, t.fire)
	case t.timer.at < 0:
		t.timer.Reset(t.limit)
	}
}

// progress begins the running wait anew.
func (t *timeout) progress() {
	if !t.since.IsZero() {
		t.since = time.Now()
	}
}

// rest ends the wait.
func (t *timeout) rest() { t.since = time.Time{} }

// set changes the limit; a wait that is running begins anew.
func (t *timeout) set(l *Loop, d time.Duration, waiting bool, fire func()) {
	t.stop()
	t.limit, t.fire = d, fire
	if waiting {
		t.start(l)
	}
}

// over reports, in the timer's callback, whether the wait was too long; if not,
// it arms the timer again.
func (t *timeout) over() bool {
	if t.since.IsZero() {
		return false
	}
	if left := t.limit - time.Since(t.since); left > 0 {
		t.timer.Reset(left)
		return false
	}
	return true
}

// stop ends the wait and disarms the timer.
func (t *timeout) stop() {
	t.rest()
	if t.timer != nil {
		t.timer.Stop()
	}
}
