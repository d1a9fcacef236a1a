package loop

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// queue takes callbacks from any number of goroutines and gives them to one,
// the loop. A post is two atomic operations and no lock: it claims a place in
// the last segment, by adding to a counter, and publishes what it put there.
//
// Places of one segment, in the order of claiming:
//
//	free       nobody has claimed it yet
//	claimed    a poster owns it and is about to publish
//	published  the loop may run it
//	taken      the loop has
//
// The loop takes places in their order and stops at the first that is not
// published. Segments are not used twice, since a slow poster may still hold
// one; the collector frees them.
type queue struct {
	last atomic.Pointer[segment] // where posts go, or the one before that
	_    [56]byte                // posters write to last, the loop to what follows

	// These belong to the loop's goroutine.
	first *segment
	next  uint32 // the place in first that is to be taken next

	mu   sync.Mutex // guards stop
	stop mark       // behind the last post that was accepted; set by close
}

// segmentSize is how many callbacks a segment holds. A segment is 4 KiB.
const segmentSize = 252

// closedClaim is added to a segment's count of claims to refuse further ones.
const closedClaim = 1 << 31

type segment struct {
	claims atomic.Uint32 // more than segmentSize: full; with closedClaim: closed
	then   atomic.Pointer[segment]
	posted [segmentSize]place
	at     [segmentSize / stampEvery]int64 // when those of the places were claimed; for Stats
}

type place struct {
	fn        func()
	published atomic.Bool
}

// stampEvery is how many posts share one whose time is taken, for the lag.
const stampEvery = 63

func (q *queue) init() {
	q.first = new(segment)
	q.last.Store(q.first)
}

// push is a post. Any goroutine.
func (q *queue) push(fn func()) error {
	for {
		s := q.last.Load()
		i := s.claims.Load()
		if i < segmentSize { // so that claims do not grow without end
			i = s.claims.Add(1) - 1
		}
		switch {
		case i < segmentSize:
			if i%stampEvery == 0 {
				s.at[i/stampEvery] = now()
			}
			p := &s.posted[i]
			p.fn = fn
			p.published.Store(true)
			return nil
		case i >= closedClaim:
			return ErrClosed
		}
		q.extend(s)
	}
}

// extend sees to it that posts no longer go to s, which is full.
func (q *queue) extend(s *segment) {
	if s.then.Load() == nil {
		s.then.CompareAndSwap(nil, new(segment))
	}
	q.last.CompareAndSwap(s, s.then.Load())
}

// close refuses posts from now on. Any goroutine.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	for q.stop.s == nil {
		s := q.last.Load()
		i := s.claims.Load()
		if i >= segmentSize {
			q.extend(s)
		} else if s.claims.CompareAndSwap(i, i|closedClaim) {
			q.stop = mark{s, i} // claims may grow on, by posters that will be refused
		}
	}
}

// mark is a position in the queue.
type mark struct {
	s *segment
	i uint32
}

// end is the position behind what has been claimed so far. On the loop.
func (q *queue) end() mark {
	s := q.last.Load()
	if s.then.Load() == q.first { // take was faster than the poster that extends
		return mark{q.first, q.next}
	}
	return mark{s, min(s.claims.Load()&^closedClaim, segmentSize)}
}

// take returns the next callback before the mark, and when it was posted, or 0
// if that was not noted. It returns nil when there is none that has been
// published. On the loop.
func (q *queue) take(until mark) (fn func(), posted int64) {
	switch {
	case q.first == until.s && q.next >= until.i:
		return nil, 0
	case q.next == segmentSize && !q.advance():
		return nil, 0
	case q.first == until.s && q.next >= until.i: // until begins a segment
		return nil, 0
	}
	p := &q.first.posted[q.next]
	if !p.published.Load() {
		return nil, 0
	}
	if q.next%stampEvery == 0 {
		posted = q.first.at[q.next/stampEvery]
	}
	fn, p.fn = p.fn, nil
	q.next++
	return fn, posted
}

// advance goes on to the next segment, if there is one. On the loop.
func (q *queue) advance() bool {
	then := q.first.then.Load()
	if then == nil {
		return false
	}
	q.first, q.next = then, 0
	return true
}

// empty reports whether there is nothing that take would return. Whoever is
// about to publish wakes the loop afterwards. On the loop.
func (q *queue) empty() bool {
	if q.next == segmentSize && !q.advance() {
		return true
	}
	return !q.first.posted[q.next].published.Load()
}

// drained reports whether all that was accepted before close has been taken.
// It waits for posters that have claimed and are about to publish. On the loop,
// after close has returned there.
func (q *queue) drained() bool {
	for q.empty() {
		if q.first == q.stop.s && q.next == q.stop.i {
			return true
		}
		runtime.Gosched()
	}
	return false
}
