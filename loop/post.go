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

// stampEvery is how many batches of posts share one whose time is noted.
const stampEvery = 8

// queue takes posts from any goroutine and is swapped whole by the loop. A
// mutex measured better here than atomic operations on places of a list.
type queue struct {
	mu     sync.Mutex // guards the rest
	in     []func()
	closed bool
	swaps  uint
	first  int64    // when the first of in was posted, if that was noted, or 0
	_      [64]byte // keeps what the loop writes off the cache line of posters
}

// lock takes the mutex, which nobody holds for long. With other goroutines to
// run a [sync.Mutex] does not spin, and to sleep and be woken takes far longer:
// see docs/benchmarks.md.
func (q *queue) lock() {
	for range spins {
		if q.mu.TryLock() {
			return
		}
	}
	q.mu.Lock()
}

// spins is how often a poster tries before it sleeps.
const spins = 30

func (q *queue) push(fn func()) error {
	q.lock()
	if q.closed {
		q.mu.Unlock()
		return ErrClosed
	}
	if len(q.in) == 0 && q.swaps%stampEvery == 0 {
		q.first = now()
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

// swap returns everything posted and leaves spare, emptied, in its place. It
// also returns when the first of it was posted, or 0 if that was not noted.
func (q *queue) swap(spare []func()) (posted []func(), first int64) {
	if cap(spare) > keepQueue {
		spare = nil
	}
	q.mu.Lock()
	posted, q.in = q.in, spare[:0]
	first, q.first = q.first, 0
	q.swaps++
	q.mu.Unlock()
	return posted, first
}

func (q *queue) close() {
	q.mu.Lock()
	q.closed = true
	q.mu.Unlock()
}

// Post makes fn run on the loop, in order of posting: in the next iteration, or a
// later one if the queue is long. Any goroutine may call it; it never blocks.
// After Close it reports [ErrClosed], and fn never runs; everything accepted
// before runs, unless the loop is never run again nor closed.
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
		var first int64
		if l.batch, first = l.posted.swap(l.batch); first != 0 {
			l.counts.Lag.add(now() - first)
		}
		l.batchAt = 0
	}
	if len(l.batch) == 0 {
		return
	}
	for deadline := now() + int64(postedBudget); l.batchAt < len(l.batch); {
		if l.runBatch(deadline) {
			return
		}
	}
}

// runBatch runs callbacks until none is left, one panics, or, reporting true,
// the time is up. The clock is read once for 16 callbacks.
func (l *Loop) runBatch(deadline int64) (spent bool) {
	defer l.contain()
	for l.batchAt < len(l.batch) {
		fn := l.batch[l.batchAt]
		l.batch[l.batchAt] = nil
		l.batchAt++
		l.began()
		fn()
		if l.batchAt%16 == 0 && now() > deadline {
			return true
		}
	}
	return false
}

// backlog reports whether posted callbacks wait. On the loop.
func (l *Loop) backlog() bool { return l.batchAt < len(l.batch) || !l.posted.empty() }
