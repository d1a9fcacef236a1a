//go:build (linux || darwin || freebsd || netbsd || openbsd || dragonfly) && !valetportable

package fakesock

import (
	"sync"
	"sync/atomic"
	"time"
)

// Deadlines are lazy: setting one stores it. A timer is armed when a call
// parks, at the earliest, and left armed when the deadline moves later: it
// looks at the deadlines when it fires. A driver that sets a deadline before
// every operation arms one timer per timeout, not per operation.

// past reports whether a deadline has passed at the time t: "exactly now" has.
func past(at, t int64) bool { return at <= t }

// expired reports whether the deadline has passed, and the time, or 0 if there
// is no deadline to compare it with.
func (d *direction) expired() (passed bool, t int64) {
	at := d.deadline.Load()
	if at == 0 {
		return false, 0
	}
	t = now()
	return past(at, t), t
}

// recheck looks at everything that may complete a parked operation but an
// event, after the operation was parked and whenever one of them changed: the
// end of the loop, and the deadline, for which it sees to it that a timer will
// fire. Any goroutine. Whoever finds the operation claimed leaves it: the
// claimer calls recheck if it parks the operation again.
func (d *direction) recheck() { d.recheckAt(0) }

// recheckAt is recheck by somebody who has read the clock just now; 0: it reads
// the clock itself if it needs to.
func (d *direction) recheckAt(t int64) {
	for ; ; t = 0 {
		if d.s.orphaned.Load() {
			if _, ok := d.claim(); ok {
				d.complete(loopless, ready)
			}
			return
		}
		at := d.deadline.Load()
		if at == 0 {
			return
		}
		if t == 0 {
			t = now()
		}
		if !past(at, t) {
			d.s.arm(at, t)
			return
		}
		w, ok := d.claim()
		if !ok {
			return
		}
		if passed, _ := d.expired(); passed {
			d.complete(timedOut, ready)
			return
		}
		if !d.unclaim(w) { // the deadline was moved while we looked
			return
		}
	}
}

// alarm is the timer for the deadlines of both directions.
type alarm struct {
	at    atomic.Int64 // when timer fires; 0: not armed
	mu    sync.Mutex   // guards the rest, and arming
	timer *time.Timer  // made when a call with a deadline first parks
}

// arm makes the timer fire at the time at or earlier.
func (s *sock) arm(at, now int64) {
	a := &s.alarm
	if armed := a.at.Load(); armed != 0 && armed <= at {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if armed := a.at.Load(); armed != 0 && armed <= at || s.users.closed() {
		return
	}
	a.at.Store(at)
	if a.timer == nil {
		a.timer = time.AfterFunc(time.Duration(at-now), s.fire)
		return
	}
	a.timer.Reset(time.Duration(at - now))
}

// fire runs on a goroutine of the runtime's. If nothing is parked the timer
// stays unarmed until something parks again.
func (s *sock) fire() {
	s.alarm.mu.Lock()
	s.alarm.at.Store(0)
	s.alarm.mu.Unlock()
	for _, d := range [...]*direction{&s.r, &s.w} {
		if stateOf(d.word.Load()) == parked {
			d.recheck()
		}
	}
}

func (a *alarm) stop() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.timer != nil {
		a.timer.Stop()
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
