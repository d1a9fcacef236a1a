package fakesock

import (
	"sync/atomic"
	"time"
)

// Stats is what a connection has done since it was made.
type Stats struct {
	// Bytes that Read, Write and ReadFrom have returned or accepted, those of
	// calls that failed half-way included. What a user of SyscallConn or File
	// moves does not count; of a call that is parked, bytes count when it
	// returns.
	BytesRead, BytesWritten uint64

	// Calls of Read and Write that have returned, whatever they returned. A
	// ReadFrom counts as one write if the kernel does the copying, and as the
	// writes that it makes otherwise. Calls of a RawConn do not count.
	Reads, Writes uint64

	// How often an operation of that direction parked, those of a RawConn
	// included: a call that parks twice counts twice, and one that did not
	// have to wait not at all.
	ReadParks, WriteParks uint64

	// How long operations have been parked, including the one that is parked
	// now; waiting for another call of the same direction to return does not
	// count. It ends when the goroutine runs again, so it contains the time
	// that it waited for a processor.
	ReadParked, WriteParked time.Duration
}

// Stats returns the counts so far. Any goroutine; does not block, nor look at
// the socket; after Close it returns the final counts. Numbers that change
// meanwhile need not fit together.
//
// Where Go's own poller does the waiting (see the package doc) every call of
// Read, Write and ReadFrom counts as parked while it runs.
func (c *Conn) Stats() Stats {
	r, w := &c.s.r.account, &c.s.w.account
	return Stats{
		BytesRead: r.bytes.Load(), BytesWritten: w.bytes.Load(),
		Reads: r.calls.Load(), Writes: w.calls.Load(),
		ReadParks: r.parks.Load(), WriteParks: w.parks.Load(),
		ReadParked: r.parkedSoFar(), WriteParked: w.parkedSoFar(),
	}
}

// account counts what one direction does. Calls are counted once they are
// over, by whoever made them.
type account struct {
	bytes, calls, parks atomic.Uint64
	parkedFor           atomic.Int64 // ns

	// since is when the parked operation parked, in nanoseconds since epoch
	// with the kind of the operation in place of the lowest three bits; 0:
	// nothing is parked.
	since atomic.Int64
}

// opKind says what is parked.
type opKind uint8

const (
	opRead opKind = iota + 1
	opWrite
	opRawRead
	opRawWrite
	opAccept
	opReadFrom

	kindMask = 7
)

var opNames = [...]string{
	opRead: "read", opWrite: "write", opRawRead: "raw-read", opRawWrite: "raw-write",
	opAccept: "accept", opReadFrom: "readfrom",
}

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

// parked returns what is parked, and since when; 0: nothing.
func (a *account) parked() (kind opKind, since int64) {
	v := a.since.Load()
	return opKind(v & kindMask), v &^ kindMask
}

func (a *account) parkedSoFar() time.Duration {
	total := a.parkedFor.Load()
	if kind, since := a.parked(); kind != 0 {
		total += now() - since
	}
	return time.Duration(total)
}
