package fakesock

import "time"

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

// Stats returns the counts so far. Any goroutine; does not wait for the socket,
// and does not look at it. If a call is about to return, or to wait, Stats
// lets it run first. After Close it returns the final counts. Numbers that
// change meanwhile need not fit together.
//
// Where Go's own poller does the waiting (see the package doc) every call of
// Read, Write and ReadFrom counts as parked while it runs.
func (c *Conn) Stats() Stats {
	r, w := c.s.r.snapshot(), c.s.w.snapshot()
	return Stats{
		BytesRead: r.bytes, BytesWritten: w.bytes,
		Reads: r.calls, Writes: w.calls,
		ReadParks: r.parks, WriteParks: w.parks,
		ReadParked: r.parked(), WriteParked: w.parked(),
	}
}

// counts is what one direction has done.
type counts struct {
	bytes, calls, parks uint64
	parkedFor           int64 // ns, without what is parked now
}

// snapshot is the counts at one moment, and what was parked then.
type snapshot struct {
	counts
	waiter
}

// waiter is an operation that is parked; the zero value is none.
type waiter struct {
	kind      opKind
	since     int64   // when it parked, in ns since epoch
	goroutine uintptr // whose it is, as package gid numbers them
}

// parked is how long operations have been parked, up to now.
func (c *snapshot) parked() time.Duration {
	total := c.parkedFor
	if c.kind != 0 {
		total += now() - c.since
	}
	return time.Duration(total)
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
)

var opNames = [...]string{
	opRead: "read", opWrite: "write", opRawRead: "raw-read", opRawWrite: "raw-write",
	opAccept: "accept", opReadFrom: "readfrom",
}
