// Package parking says where goroutines are parked, and can end it. Package
// fakesock, which knows, registers here; package adapter, which must not depend
// on fakesock, asks. In a program without fakesock nothing is ever parked.
package parking

import (
	"net"
	"time"
)

// Op is an operation that a goroutine waits in. The fields are those of
// fakesock.ParkedOp.
type Op struct {
	Op            string   // "read", "write", "accept", "readfrom", "raw-read", "raw-write"
	Local, Remote net.Addr // Remote is nil for "accept"
	Since         time.Time
	Deadline      time.Time // zero: never
}

// What was registered; written by init functions only.
var (
	find     func(goroutines []uintptr) map[uintptr]Op
	closeFor func(goroutine uintptr) bool
)

// Register makes f and c do what Find and Close say. It is called once, by an
// init function.
func Register(f func(goroutines []uintptr) map[uintptr]Op, c func(goroutine uintptr) bool) {
	if find != nil {
		panic("parking: Register was called before")
	}
	find, closeFor = f, c
}

// Find returns the operations in which the given goroutines, named by numbers
// of package gid, are parked. It is a snapshot: those who are not parked are
// absent, and so may be one that moves from one connection to another meanwhile.
// Any goroutine; it waits for no operation. It looks at every connection of the
// process, which takes some 10 ns for an idle one and 150 ns for one that somebody
// is parked on.
func Find(goroutines []uintptr) map[uintptr]Op {
	if find == nil || len(goroutines) == 0 {
		return nil
	}
	return find(goroutines)
}

// Close closes the connection or listener on which the goroutine is parked, as
// its own Close does, and reports whether it has found one. The parked call
// fails with [net.ErrClosed]. Nothing is closed but what the goroutine is parked
// on at that moment, so the caller must see to it that the goroutine does not
// end before Close returns: its number may become another's. A goroutine that is
// under way, or moves from one connection to another meanwhile, may be missed.
//
// Any goroutine, under any lock; it does not block, and calls nobody back. It
// takes as long as Find.
//
// Where Go's own poller does the waiting (see the doc of package fakesock) an
// operation that has not returned yet counts as parked. There the connection is
// closed a moment later, but before the operation returns, which may succeed if
// it was about to.
func Close(goroutine uintptr) bool {
	return closeFor != nil && closeFor(goroutine)
}
