package adapter

import "github.com/valet-go/valet/internal/gid"

// worker is a goroutine that runs calls, one after another while there are
// any. An idle one is kept, because its stack has grown to what the driver
// needs.
type worker struct {
	b      *backend
	gid    uintptr    // of package gid
	number uint64     // of its goroutine, as in a dump of stacks
	calls  chan *Call // made when it first idles; a nil call dismisses it
}

// dismissEvery is after how many rests those workers are dismissed that nobody
// has needed meanwhile.
const dismissEvery = 1024

// takeWorkerLocked returns the worker that rested last, or a new one.
func (b *backend) takeWorkerLocked() *worker {
	n := len(b.idle) - 1
	if n < 0 {
		return &worker{b: b}
	}
	w := b.idle[n]
	b.idle[n] = nil
	b.idle = b.idle[:n]
	b.unused = min(b.unused, n)
	return w
}

// run makes the worker run c; without a worker it does nothing. Not under the
// backend's mutex.
func (w *worker) run(c *Call) {
	switch {
	case w == nil:
	case w.calls == nil:
		go w.work(c)
	default:
		w.calls <- c
	}
}

// work runs c and what comes after it, until the worker is dismissed.
func (w *worker) work(c *Call) {
	w.gid, w.number = gid.Current(), gid.Number()
	goexit := true
	defer func() {
		if !goexit {
			return
		}
		// A body has ended this goroutine. What its call held is passed on.
		b := w.b
		b.mu.Lock()
		next, helper, other := b.afterLocked(c)
		b.unlock()
		helper.run(other)
		if next != nil {
			go (&worker{b: b}).work(next)
		}
	}()
	for c != nil {
		c.self.run(w)
		var rest bool
		if c, rest = w.next(c); rest { // and keeps nothing of the last call
			c = <-w.calls
		}
	}
	goexit = false
}

// next returns the call to run after c; without one, the worker is to rest or to
// end.
func (w *worker) next(c *Call) (next *Call, rest bool) {
	b := w.b
	b.mu.Lock()
	next, helper, other := b.afterLocked(c)
	rest = next == nil && b.restLocked(w)
	b.unlock()
	helper.run(other)
	return next, rest
}

// restLocked makes w wait for a call, unless there are enough that do.
func (b *backend) restLocked(w *worker) bool {
	if b.closing || len(b.idle) >= b.settings.slots {
		return false
	}
	if w.calls == nil {
		w.calls = make(chan *Call, 1)
	}
	b.idle = append(b.idle, w)
	if b.rests++; b.rests >= dismissEvery {
		b.dismissLocked(b.unused)
		b.unused, b.rests = len(b.idle), 0
	}
	return true
}

// dismissLocked ends the n workers that have been idle longest.
func (b *backend) dismissLocked(n int) {
	for _, w := range b.idle[:n] {
		w.calls <- nil
	}
	kept := copy(b.idle, b.idle[n:])
	clear(b.idle[kept:])
	b.idle = b.idle[:kept]
}
