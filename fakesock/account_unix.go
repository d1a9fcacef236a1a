//go:build (linux || darwin || freebsd || netbsd || openbsd || dragonfly) && !valetportable

package fakesock

import "runtime"

// Counting must cost next to nothing, so the counts are plain numbers. They are
// written by whoever holds the direction's mutex, and that is the caller of an
// operation for all its length. While it is parked it does not write, so
// whoever has claimed the operation may read them, too. While it is in the
// function given to a RawConn, which may take its time, it lays them aside:
//
//	from   to     who and when
//	held   aside  the caller, before the function
//	aside  held   the caller, after it
//	aside  lent   somebody who reads the counts
//	lent   aside  the same
const (
	held uint32 = iota
	aside
	lent
)

// count notes a call that moved n bytes. The caller holds d.mu.
func (d *direction) count(n int64) {
	d.calls++
	if n > 0 {
		d.bytes += uint64(n)
	}
}

// layAside is called before a function that may take long, and takeBack after
// it. The caller holds d.mu.
func (d *direction) layAside() { d.books.Store(aside) }

func (d *direction) takeBack() {
	for !d.books.CompareAndSwap(aside, held) {
		runtime.Gosched() // they are being read
	}
}

// snapshot returns the counts. Any goroutine. Where it finds an operation
// parked it claims it for a moment; what it meets otherwise is under way and
// does not wait.
func (d *direction) snapshot() (c snapshot) {
	for ; ; runtime.Gosched() {
		if d.mu.TryLock() {
			c.counts = d.counts
			d.mu.Unlock()
			return c
		}
		if d.books.CompareAndSwap(aside, lent) {
			c.counts = d.counts
			d.books.Store(aside)
			return c
		}
		if w, ok := d.claim(); ok {
			c = snapshot{d.counts, d.op.kind, d.op.since}
			if d.unclaim(w) {
				d.recheck() // others may have found the claim
			}
			return c
		}
	}
}
