package loop

// What every platform supplies, in poller_<system>.go:
//
//	newPoller() (*poller, error)
//	(*poller).add(fd int, want Interest, k key) error      // any goroutine
//	(*poller).modify(fd int, want Interest, k key) error   // any goroutine
//	(*poller).remove(fd int) error                         // any goroutine
//	(*poller).poll(into []event) []event   // on the loop; does not wait
//	(*poller).arm(until time.Time)         // on the loop, before it announces its sleep
//	(*poller).wait(into []event) []event   // on the loop: until an event, wake, or the time armed
//	(*poller).wake()                       // any goroutine: ends a wait, now or the next one
//	(*poller).close() error                // once, when the loop has ended
//
// A wake that comes between arm and wait must end that wait. Waits may end
// early for no reason. Reports with Edge may be spurious, never missing.

// event is one report of the poller.
type event struct {
	key   key
	ready Readiness
}

// States of sleepState. The loop announces its sleep, looks at the queue once
// more, and waits; whoever posts wakes it if the announcement stands, and takes
// the announcement down, so that a sleep costs one wake however many post.
//
//	from      to        who and when
//	awake     sleeping  the loop, about to wait
//	sleeping  awake     a poster, which then calls poller.wake; or the loop
const (
	awake uint32 = iota
	sleeping
)

// wake ends the loop's wait, if it waits.
func (l *Loop) wake() {
	if l.sleepState.Load() == sleeping && l.sleepState.CompareAndSwap(sleeping, awake) {
		l.poller.wake()
	}
}
