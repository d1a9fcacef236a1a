//go:build valetportable || !(linux || darwin || freebsd || netbsd || openbsd || dragonfly)

package fakesock

import "sync/atomic"

// account counts what one direction does. Calls are counted once they are
// over, by whoever made them, of which there may be several at once.
type account struct {
	bytes, calls, parks atomic.Uint64
	parkedFor           atomic.Int64 // ns

	// since is when the parked operation parked, in nanoseconds since epoch
	// with the kind of the operation in place of the lowest three bits; 0:
	// nothing is parked.
	since atomic.Int64
}

const kindMask = 7

// count notes a call that moved n bytes.
func (a *account) count(n int64) {
	a.calls.Add(1)
	if n > 0 {
		a.bytes.Add(uint64(n))
	}
}

// park notes that an operation is parked from t on, and is undone by unpark. It
// reports false, and notes nothing, if another one is.
func (a *account) park(kind opKind, t int64) bool {
	if !a.since.CompareAndSwap(0, t&^kindMask|int64(kind)) {
		return false
	}
	a.parks.Add(1)
	return true
}

func (a *account) unpark() {
	a.parkedFor.Add(now() - a.since.Load()&^kindMask)
	a.since.Store(0)
}

// waiting says what is parked, or a kind of 0. Any goroutine.
func (a *account) waiting() (kind opKind, since int64) {
	at := a.since.Load()
	return opKind(at & kindMask), at &^ kindMask
}

// snapshot returns the counts. Any goroutine.
func (a *account) snapshot() snapshot {
	kind, since := a.waiting()
	return snapshot{counts{a.bytes.Load(), a.calls.Load(), a.parks.Load(), a.parkedFor.Load()}, kind, since}
}
