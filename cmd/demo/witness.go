package main

import (
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
)

// tally counts callbacks, and what was wrong with them. Any goroutine.
type tally struct {
	passed  atomic.Int64 // callbacks handed to the library
	came    atomic.Int64 // of these, those that have run
	strayed atomic.Int64 // runs on a goroutine that was not the right one
	again   atomic.Int64 // runs of a callback that had run before
}

// witness watches callbacks that belong onto one goroutine.
type witness struct {
	*tally
	home string      // the goroutine, as the Go runtime names it
	also func() bool // a second opinion, or nil
}

// here returns a witness for callbacks that belong onto the calling goroutine.
func (t *tally) here() witness { return witness{tally: t, home: goroutine()} }

// look notes that a callback runs.
func (w witness) look() {
	w.came.Add(1)
	if goroutine() != w.home || w.also != nil && !w.also() {
		w.strayed.Add(1)
	}
}

// seen returns cb under w's eyes. All callbacks of the demo pass through here.
func seen[T any](w witness, cb func(T, error)) func(T, error) {
	w.passed.Add(1)
	var runs atomic.Int64
	return func(v T, err error) {
		w.look()
		if runs.Add(1) > 1 {
			w.again.Add(1)
		}
		cb(v, err)
	}
}

// seenErr is seen for callbacks that get an error only.
func seenErr(w witness, cb func(error)) func(error) {
	f := seen(w, func(_ struct{}, err error) { cb(err) })
	return func(err error) { f(struct{}{}, err) }
}

// seenFunc is seen for callbacks that get nothing, such as posted ones.
func seenFunc(w witness, cb func()) func() {
	f := seen(w, func(struct{}, error) { cb() })
	return func() { f(struct{}{}, nil) }
}

// verdict is nil if all callbacks have come, once and where they belonged.
func (t *tally) verdict() error {
	passed, came, strayed, again := t.passed.Load(), t.came.Load(), t.strayed.Load(), t.again.Load()
	if came != passed || strayed != 0 || again != 0 {
		return fmt.Errorf("of %d callbacks, %d came; %d of them on a wrong goroutine, %d more than once", passed, came, strayed, again)
	}
	return nil
}

// goroutine returns the number that the Go runtime prints in the calling
// goroutine's stack traces. It costs about a microsecond.
func goroutine() string {
	var buf [64]byte
	fields := strings.Fields(string(buf[:runtime.Stack(buf[:], false)])) // "goroutine 18 [running]:"
	return fields[1]
}
