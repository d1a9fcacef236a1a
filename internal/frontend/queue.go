//go:build linux || darwin || freebsd

package frontend

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/valet-go/valet/loop"
)

const (
	// postedBudget is how long posted functions may run before the engine gets
	// to read from its clients again.
	postedBudget = 500 * time.Microsecond
	// keepQueue is the capacity, in functions, up to which a drained queue
	// keeps its memory.
	keepQueue = 1 << 14
)

// posted is a function to run on an executor's goroutine, for the connection
// that is closed if it panics.
type posted struct {
	fn func()
	c  *Conn
}

// queue takes functions from any goroutine and is swapped whole by the
// executor's.
type queue struct {
	mu     sync.Mutex // guards in and closed
	in     []posted
	closed bool

	// armed is set from the first post until the executor has run what was
	// posted, so that a burst of posts costs one wake.
	armed atomic.Bool
	wake  func(again bool) // again: called by run, for what it has left over

	// The rest belongs to the executor's goroutine.
	batch []posted
	at    int
}

// post appends p and wakes the executor. Any goroutine; it never blocks.
func (q *queue) post(p posted) error {
	q.mu.Lock()
	if q.closed {
		q.mu.Unlock()
		return loop.ErrClosed
	}
	q.in = append(q.in, p)
	q.mu.Unlock()
	if q.armed.CompareAndSwap(false, true) {
		q.wake(false)
	}
	return nil
}

// run calls what is queued, until everything that was there at the start is
// done or the budget is spent; if functions are left over, or were posted
// meanwhile, it wakes the executor again. Executor's goroutine only. call must
// contain panics. If it ends the goroutine, the rest stays for whoever runs
// the queue next.
func (q *queue) run(call func(posted)) {
	q.armed.Store(true) // whoever posts need not wake: the end of run looks
	if q.at == len(q.batch) {
		q.swap()
	}
	for end := time.Now().Add(postedBudget); q.at < len(q.batch); {
		p := q.batch[q.at]
		q.batch[q.at] = posted{}
		q.at++
		call(p)
		if q.at%16 == 0 && time.Now().After(end) {
			break
		}
	}
	if q.waiting() {
		q.wake(true)
		return
	}
	q.armed.Store(false)
	// Who posted since waiting looked did not wake.
	if q.waiting() && q.armed.CompareAndSwap(false, true) {
		q.wake(true)
	}
}

func (q *queue) swap() {
	spare := q.batch[:0]
	if cap(spare) > keepQueue {
		spare = nil
	}
	q.mu.Lock()
	q.batch, q.in = q.in, spare
	q.mu.Unlock()
	q.at = 0
}

// waiting reports whether functions are left to run. Executor's goroutine
// only, or after it has ended.
func (q *queue) waiting() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.at < len(q.batch) || len(q.in) > 0
}

// closeIfEmpty refuses further posts if nothing is left to run, or if force is
// set, and reports whether it does.
func (q *queue) closeIfEmpty(force bool) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if force || q.at == len(q.batch) && len(q.in) == 0 {
		q.closed = true
	}
	return q.closed
}
