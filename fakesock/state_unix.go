//go:build (linux || darwin || freebsd || netbsd || openbsd || dragonfly) && !valetportable

package fakesock

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// States of a direction. Whoever completes an operation claims it first, so
// that exactly one does.
//
//	from     to       who and when
//	idle     ready    loop: an event came; anyone: a raw user may have left something
//	idle     parked   caller: its operation must wait
//	idle     closed   Close
//	ready    ready    loop: an event came (the count rises)
//	ready    idle     caller: EAGAIN, or a short read that proves the socket empty,
//	                  or it is about to call a raw user's function
//	ready    closed   Close
//	parked   claimed  loop: an event came; anyone: the deadline passed, the loop was closed,
//	                  Stats and Parked look at the operation, or closeFor looks whose it is
//	parked   closed   Close, which completes the operation
//	claimed  parked   claimer: there was nothing to do after all
//	claimed  idle     loop: completed by a short read that proves the socket empty
//	claimed  ready    claimer: completed otherwise
//	claimed  claimed  loop: an event came while somebody else held the claim (the count rises)
//	claimed  closed   Close, by the claimer or others; the claimer still completes the operation
//
// An event of a closed direction changes nothing. The caller of the operation
// waits until it is completed, so a claimer may use op, and the descriptor, up
// to that moment and no longer.
//
// A direction starts ready, because nothing is known, and ends closed.
const (
	idle    uint32 = iota // no operation waits, and none would get anything
	ready                 // no operation waits; one may succeed at once
	parked                // an operation waits, and may be claimed
	claimed               // an operation waits, and somebody is completing it
	closed

	stateMask = 7
	// oneEvent is added to the word at each event, so that a transition that
	// rests on an old look at the socket fails.
	oneEvent = stateMask + 1
)

func stateOf(word uint32) uint32 { return word & stateMask }

func withState(word, state uint32) uint32 { return word&^stateMask | state }

// outcome is how an operation that parked ended.
type outcome uint8

const (
	again    outcome = iota // nothing was done: look again
	done                    // the operation is complete, op.n bytes in all
	failed                  // op.errno, after op.n bytes
	timedOut                // the deadline passed, after op.n bytes
	shut                    // Close, after op.n bytes
	loopless                // the loop was closed, after op.n bytes
)

// op is the operation that is parked. While it is, whoever claims it may use
// these fields; then the caller may.
type op struct {
	buf   []byte // what is left of the caller's buffer; nil: wait for an event only
	n     int    // bytes moved by claimers
	errno error
	out   outcome
	wake  chan struct{} // unparks the caller
	waiter
}

// ops is where operations come from: most connections are idle, and need none.
var ops = sync.Pool{New: func() any { return &op{wake: make(chan struct{}, 1)} }}

// direction is one half of a socket: reading or writing.
type direction struct {
	mu       sync.Mutex    // held by each call for all its length
	word     atomic.Uint32 // state and count of events
	books    atomic.Uint32 // who may touch counts; see account_unix.go
	op       *op           // nil unless an operation is parked
	s        *sock         // whose half this is
	deadline atomic.Int64  // in nanoseconds since epoch; 0: none
	counts
	fast uint8 // calls since one last parked or yielded; guarded by mu
}

// event notes an event, and reports whether the caller now holds the claim on
// an operation. On the loop only.
func (d *direction) event() (claim bool) {
	for {
		w := d.word.Load()
		next := w + oneEvent
		switch stateOf(w) {
		case idle:
			next = withState(next, ready)
		case parked:
			next = withState(next, claimed)
		case closed:
			return false
		}
		if d.word.CompareAndSwap(w, next) {
			return stateOf(w) == parked
		}
	}
}

// drained notes that, as of word w, the socket had nothing more to give.
func (d *direction) drained(w uint32) { d.word.CompareAndSwap(w, withState(w, idle)) }

// claim takes a parked operation, to complete or to unclaim it. It returns the
// word at that moment, with which unclaim sees events that came later.
func (d *direction) claim() (w uint32, ok bool) {
	w = d.word.Load()
	mine := withState(w, claimed)
	return mine, stateOf(w) == parked && d.word.CompareAndSwap(w, mine)
}

// unclaim parks again an operation that was claimed when the word was w. If an
// event or Close came since then it completes it instead, so that its caller
// looks again, and reports false.
func (d *direction) unclaim(w uint32) bool {
	if stateOf(w) == claimed && d.word.CompareAndSwap(w, withState(w, parked)) {
		return true
	}
	d.complete(again, ready)
	return false
}

// release is unclaim by somebody who has looked at the operation. Others may
// have found the claim meanwhile, and left to the claimer what they came for.
func (d *direction) release(w uint32) {
	if d.unclaim(w) {
		d.recheck()
	}
}

// claimParked is claim, but waits for other claims, which are short: when they
// end, the operation may be parked again. Any goroutine.
func (d *direction) claimParked() (w uint32, ok bool) {
	for ; ; runtime.Gosched() {
		switch stateOf(d.word.Load()) {
		case parked:
			if w, ok := d.claim(); ok {
				return w, true
			}
		case claimed:
		default:
			return 0, false
		}
	}
}

// complete ends a claimed operation and unparks its caller.
func (d *direction) complete(out outcome, next uint32) {
	o := d.op
	o.out = out
	for {
		w := d.word.Load()
		if stateOf(w) != claimed || d.word.CompareAndSwap(w, withState(w, next)) {
			break // closed stays closed
		}
	}
	o.wake <- struct{}{}
}

// close makes the direction refuse operations and completes one that is parked.
func (d *direction) close() {
	for {
		w := d.word.Load()
		if stateOf(w) == closed {
			return
		}
		if d.word.CompareAndSwap(w, withState(w, closed)) {
			if stateOf(w) == parked {
				d.op.out = shut
				d.op.wake <- struct{}{}
			}
			return
		}
	}
}
