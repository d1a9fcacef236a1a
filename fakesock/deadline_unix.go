//go:build (linux || darwin || freebsd || netbsd || openbsd || dragonfly) && !valetportable

package fakesock

import "time"

// Deadlines are lazy: setting one stores it. A timer is armed when a call
// parks, at the earliest, and left armed when the deadline moves later: it
// looks at the deadline when it fires. A driver that sets a deadline before
// every operation arms one timer per timeout, not per operation.

// epoch is the origin of the monotonic time in which deadlines are kept.
var epoch = time.Now()

func now() int64 { return int64(time.Since(epoch)) }

// deadlineAt converts t; a time in the past becomes one that has passed, and
// the zero time 0, which is no deadline.
func deadlineAt(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return max(int64(t.Sub(epoch)), 1)
}

// expired reports whether the deadline has passed. "Exactly now" has.
func (d *direction) expired() bool {
	at := d.deadline.Load()
	return at != 0 && at <= now()
}

// recheck looks at everything that may complete a parked operation but an
// event, after the operation was parked and whenever one of them changed: the
// end of the loop, and the deadline, for which it sees to it that a timer will
// fire. Any goroutine. Whoever finds the operation claimed leaves it: the
// claimer calls recheck if it parks the operation again.
func (d *direction) recheck() {
	for {
		if d.orphaned.Load() {
			if d.claim() {
				d.complete(loopless, ready)
			}
			return
		}
		at := d.deadline.Load()
		if at == 0 {
			return
		}
		t := now()
		if at > t {
			d.arm(at, t)
			return
		}
		if !d.claim() {
			return
		}
		if w := d.word.Load(); d.expired() {
			d.complete(timedOut, ready)
			return
		} else if !d.unclaim(w) { // the deadline was moved while we looked
			return
		}
	}
}

// arm makes the timer fire at the time at or earlier.
func (d *direction) arm(at, now int64) {
	if armed := d.timerAt.Load(); armed != 0 && armed <= at {
		return
	}
	d.timerMu.Lock()
	defer d.timerMu.Unlock()
	if armed := d.timerAt.Load(); armed != 0 && armed <= at || stateOf(d.word.Load()) == closed {
		return
	}
	d.timerAt.Store(at)
	if d.timer == nil {
		d.timer = time.AfterFunc(time.Duration(at-now), d.fire)
		return
	}
	d.timer.Reset(time.Duration(at - now))
}

// fire runs on a goroutine of the runtime's. If nothing is parked the timer
// stays unarmed until something parks again.
func (d *direction) fire() {
	d.timerMu.Lock()
	d.timerAt.Store(0)
	d.timerMu.Unlock()
	if stateOf(d.word.Load()) == parked {
		d.recheck()
	}
}

func (d *direction) stopTimer() {
	d.timerMu.Lock()
	defer d.timerMu.Unlock()
	if d.timer != nil {
		d.timer.Stop()
	}
}

// setDeadline replaces the deadline, which also counts for a call that is
// parked already.
func (d *direction) setDeadline(at int64) {
	d.deadline.Store(at)
	if stateOf(d.word.Load()) == parked {
		d.recheck()
	}
}
