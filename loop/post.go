package loop

import "time"

// postedBudget is how long posted callbacks may run before the loop polls
// again; without one, backlogs of 110,000 callbacks were seen to starve the
// sockets that would have drained them.
const postedBudget = 500 * time.Microsecond

// Post makes fn run in the loop's next iteration, in order of posting. Any
// goroutine may call it; it never blocks. After Close it reports [ErrClosed],
// and fn never runs; everything accepted before runs, unless the loop is never
// run again nor closed.
func (l *Loop) Post(fn func()) error {
	if fn == nil {
		panic("loop: Post needs a function, not nil")
	}
	if err := l.posted.push(fn); err != nil {
		return err
	}
	l.wake()
	return nil
}

// runPosted is phase 2: what was posted before it began. It returns with
// callbacks left over when the budget is spent.
func (l *Loop) runPosted() {
	if l.posted.empty() {
		return
	}
	until := l.posted.end()
	for deadline := now() + int64(postedBudget); l.runBatch(until, deadline); {
	}
}

// runBatch runs callbacks until none is left or the time is up. It reports
// whether it has to be called again, after a panic. The clock is read once for
// 16 callbacks.
func (l *Loop) runBatch(until mark, deadline int64) (again bool) {
	defer l.contain()
	again = true // what a panic leaves behind
	for n := 1; ; n++ {
		fn, posted := l.posted.take(until)
		if fn == nil {
			break
		}
		if posted != 0 {
			l.counts.Lag.add(now() - posted)
		}
		l.began()
		fn()
		if n%16 == 0 && now() > deadline {
			break
		}
	}
	return false
}
