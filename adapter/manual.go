package adapter

import (
	"context"
	"sync"

	"github.com/valet-go/valet/internal/owner"
	"github.com/valet-go/valet/loop"
)

// Manual is an executor that runs callbacks when it is told to: for tests of
// code that has callbacks. The zero value is ready.
//
//	m := new(adapter.Manual)
//	users.On(m).Find(ctx, id, func(u User, err error) { ... })
//	m.Wait(ctx) // until the callback is due
//	m.Run()     // runs it, here
type Manual struct {
	mu      sync.Mutex // guards the rest
	due     []func()
	changed chan struct{} // closed by Post and Close; made by Wait
	closed  bool
}

// Post makes fn due. After Close it reports [loop.ErrClosed]. Any goroutine.
func (m *Manual) Post(fn func()) error {
	if fn == nil {
		panic("adapter: Post needs a function, not nil")
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return loop.ErrClosed
	}
	m.due = append(m.due, fn)
	m.changedLocked()
	return nil
}

// Len returns how many callbacks are due. Any goroutine.
func (m *Manual) Len() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.due)
}

// Step runs the callback that has been due longest, and reports whether there
// was one. A panic of it reaches the caller. While it runs, the calling
// goroutine counts as an event loop's: what would block there fails with
// [loop.ErrWouldBlockLoop]. Callbacks must run one at a time: not for several
// goroutines at once, nor within a callback.
func (m *Manual) Step() bool {
	m.mu.Lock()
	if len(m.due) == 0 {
		m.mu.Unlock()
		return false
	}
	fn := m.due[0]
	m.due[0] = nil
	m.due = m.due[1:]
	m.mu.Unlock()
	defer owner.Mark()()
	fn()
	return true
}

// Run runs callbacks until none is due, those included that become due
// meanwhile, and returns how many it ran. See [Manual.Step].
func (m *Manual) Run() int {
	n := 0
	for m.Step() {
		n++
	}
	return n
}

// Wait waits until a callback is due, or ctx ends, whose error it returns. If
// none is due after Close, none will be: then it returns [loop.ErrClosed]. Any
// goroutine but a loop's or front end's, nor within a callback: there it returns
// [loop.ErrWouldBlockLoop].
func (m *Manual) Wait(ctx context.Context) error {
	if owner.Here() {
		return loop.ErrWouldBlockLoop
	}
	for {
		due, closed, change := m.look()
		switch {
		case due:
			return nil
		case closed:
			return loop.ErrClosed
		}
		select {
		case <-change:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// look returns what Wait wants to know, and a channel that is closed when that
// may have changed.
func (m *Manual) look() (due, closed bool, change <-chan struct{}) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.changed == nil {
		m.changed = make(chan struct{})
	}
	return len(m.due) > 0, m.closed, m.changed
}

// changedLocked wakes those that Wait.
func (m *Manual) changedLocked() {
	if m.changed != nil {
		close(m.changed)
		m.changed = nil
	}
}

// Close makes Post fail, as on a closed loop. What is due may still be run. Any
// goroutine.
func (m *Manual) Close() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	m.changedLocked()
}
