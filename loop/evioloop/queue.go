//go:build linux || darwin || freebsd

package evioloop

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/valet-go/valet/loop"
)

const (
	// postedBudget is how long posted functions may run before evio gets to
	// read from its clients again.
	postedBudget = 500 * time.Microsecond
	// keepQueue is the capacity, in functions, up to which a drained queue
	// keeps its memory.
	keepQueue = 1 << 14
)

// posted is a function to run on the executor's goroutine, for the connection
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

	// armed is set while a wake is under way that the executor has not
	// answered yet, so that a burst of posts costs one wake.
	armed atomic.Bool
	wake  func()

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
	q.kick()
	return nil
}

func (q *queue) kick() {
	if q.armed.CompareAndSwap(false, true) {
		q.wake()
	}
}

// rekick wakes the executor whether or not a wake is under way: it may have
// been lost with the evio server it was sent to.
func (q *queue) rekick() {
	q.armed.Store(true)
	q.wake()
}

// run calls what is queued, until everything that was there at the start is
// done or the budget is spent; if functions are left over, it wakes the
// executor again. Executor's goroutine only. call must contain panics. If it
// ends the goroutine, the rest stays for the next run.
func (q *queue) run(call func(posted)) {
	q.armed.Store(false) // before looking: a post from now on wakes again
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
		q.kick()
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
