//go:build (linux || darwin || freebsd || netbsd || openbsd || dragonfly) && !valetportable

package fakesock

import "runtime"

// Counting must cost next to nothing, so the counts are plain numbers. They are
// written by whoever holds the direction's mutex, and that is the caller of an
// operation for all its length. While it is parked it does not write, so
// whoever has claimed the operation may read them, too. Around what may take
// its time without parking it lays them aside: the function given to a RawConn,
// sendfile(2), and a system call for more than sysio.Inline bytes.
//
//	from   to     who and when
//	held   aside  the caller, before what takes its time
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

// layAside is called before what may take long, and takeBack after it. The
// caller holds d.mu.
func (d *direction) layAside() { d.books.Store(aside) }

func (d *direction) takeBack() {
	for !d.books.CompareAndSwap(aside, held) {
		runtime.Gosched() // they are being read
	}
}

// snapshot returns the counts. Any goroutine. Where it finds an operation
// parked it claims it for a moment. Otherwise it waits for the holder of d.mu,
// which is under way: between two places where the counts can be had it does
// nothing that takes time but wait for a processor.
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
			return d.readClaimed(w)
		}
	}
}

// readClaimed reads the counts under a claim, and gives it back.
func (d *direction) readClaimed(w uint32) snapshot {
	c := snapshot{d.counts, d.op.waiter}
	d.release(w)
	return c
}

// waiting says what is parked. Any goroutine; it waits for nothing but other
// claims, which are short.
func (d *direction) waiting() waiter {
	if w, ok := d.claimParked(); ok {
		return d.readClaimed(w).waiter
	}
	return waiter{}
}
