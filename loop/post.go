package loop

import (
	"sync"
	"time"
)

// postedBudget is how long posted callbacks may run before the loop polls
// again; without one, backlogs of 110,000 callbacks were seen to starve the
// sockets that would have drained them.
const postedBudget = 500 * time.Microsecond

// keepQueue is the capacity, in callbacks, up to which a drained queue keeps
// its memory.
const keepQueue = 1 << 14

// queue takes posts from any goroutine and is swapped whole by the loop.
type queue struct {
	mu     sync.Mutex // guards in and closed
	in     []func()
	closed bool
}

func (q *queue) push(fn func()) error {
	q.mu.Lock()
	if q.closed {
		q.mu.Unlock()
		return ErrClosed
	}
	q.in = append(q.in, fn)
	q.mu.Unlock()
	return nil
}

func (q *queue) empty() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.in) == 0
}

// swap returns everything posted and leaves spare, emptied, in its place.
func (q *queue) swap(spare []func()) []func() {
	if cap(spare) > keepQueue {
		spare = nil
	}
	q.mu.Lock()
	posted := q.in
	q.in = spare[:0]
	q.mu.Unlock()
	return posted
}

func (q *queue) close() {
	q.mu.Lock()
	q.closed = true
	q.mu.Unlock()
}

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

// runPosted is phase 2. It returns with callbacks left over when the budget is
// spent.
func (l *Loop) runPosted() {
	if l.batchAt == len(l.batch) {
		l.batch, l.batchAt = l.posted.swap(l.batch), 0
	}
	if len(l.batch) == 0 {
		return
	}
	for end := time.Now().Add(postedBudget); l.batchAt < len(l.batch); {
		if l.runBatch(end) {
			return
		}
	}
}

// runBatch runs callbacks until none is left, one panics, or, reporting true,
// the time is up. The clock is read once for 16 callbacks.
func (l *Loop) runBatch(end time.Time) (spent bool) {
	defer l.contain()
	for l.batchAt < len(l.batch) {
		fn := l.batch[l.batchAt]
		l.batch[l.batchAt] = nil
		l.batchAt++
		fn()
		if l.batchAt%16 == 0 && time.Now().After(end) {
			return true
		}
	}
	return false
}
