//go:build valetportable || !(linux || darwin || freebsd || netbsd || openbsd || dragonfly)

package fakesock

import (
	"io"
	"sync"
	"sync/atomic"

	"github.com/valet-go/valet/internal/gid"
)

// account counts what one direction does, and knows what is parked there. Calls
// are counted once they are over, by whoever made them, of which there may be
// several at once.
type account struct {
	bytes, calls, parks atomic.Uint64
	parkedFor           atomic.Int64 // ns

	mu      sync.Mutex    // guards the rest
	op      waiter        // what is parked
	on      io.Closer     // the Conn or Listener that it is parked on
	closing chan struct{} // closed when on has been closed for the sake of op
}

// count notes a call that moved n bytes.
func (a *account) count(n int64) {
	a.calls.Add(1)
	if n > 0 {
		a.bytes.Add(uint64(n))
	}
}

// park notes that an operation of the calling goroutine is parked from t on, on
// what is to be closed to end it, and is undone by leave. It reports false, and
// notes nothing, if another one is.
func (a *account) park(kind opKind, t int64, on io.Closer) bool {
	goroutine := gid.Current()
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.op.kind != 0 {
		return false
	}
	a.op, a.on = waiter{kind, t, goroutine}, on
	a.parks.Add(1)
	return true
}

// leave undoes park, if that has noted something. It waits for a closeFor that
// has found the operation, so that its caller does not pass a connection on
// that is about to be closed.
func (a *account) leave(noted bool) {
	if !noted {
		return
	}
	a.mu.Lock()
	a.parkedFor.Add(now() - a.op.since)
	closing := a.closing
	a.op, a.on, a.closing = waiter{}, nil, nil
	a.mu.Unlock()
	if closing != nil {
		<-closing
	}
}

// closeFor closes the connection or listener if what is parked here is the
// goroutine's, and reports whether it was. Any goroutine; does not block:
// package net's Close waits for functions given to a RawConn, so it is left to
// another goroutine.
func (a *account) closeFor(goroutine uintptr) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.op.kind == 0 || a.op.goroutine != goroutine || a.closing != nil {
		return false
	}
	on, closing := a.on, make(chan struct{})
	a.closing = closing
	go func() {
		on.Close()
		close(closing)
	}()
	return true
}

// waiting says what is parked. Any goroutine.
func (a *account) waiting() waiter {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.op
}

// snapshot returns the counts. Any goroutine.
func (a *account) snapshot() snapshot {
	return snapshot{counts{a.bytes.Load(), a.calls.Load(), a.parks.Load(), a.parkedFor.Load()}, a.waiting()}
}
