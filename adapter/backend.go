package adapter

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
)

// backend admits calls and runs them on workers. A queue that is not empty
// means that all slots are taken.
type backend struct {
	name     string
	parent   *backend
	limits   limits
	overload error // ErrOverloaded, with advice

	undelivered atomic.Uint64

	// mu guards the rest, and the lists and lanes of the backend's calls. No
	// function of the user's runs under it.
	mu      sync.Mutex
	queue   list // waiting for a slot
	live    list // bodies that have not returned
	slots   int  // taken
	active  int  // calls that wait, here or in a lane, or whose bodies have not returned
	ending  int  // cancelled calls whose callbacks are about to be posted
	idle    []*worker
	unused  int // the least len(idle) since workers were last dismissed
	rests   int // times a worker became idle since then
	started uint64
	refused uint64

	closing  bool
	drained  chan struct{} // made by close; closed when active and ending are 0
	children map[*backend]struct{}
}

func newBackend(name string, parent *backend, opts []Option) *backend {
	b := &backend{name: name, parent: parent, limits: limits{DefaultSlots, DefaultQueue}, children: map[*backend]struct{}{}}
	for _, o := range opts {
		o(&b.limits)
	}
	b.overload = fmt.Errorf("%w: backend %q runs %d calls and has %d waiting; start fewer, or raise its slots or queue",
		ErrOverloaded, name, b.limits.slots, b.limits.queue)
	if parent != nil {
		parent.mu.Lock()
		defer parent.mu.Unlock()
		b.closing = parent.closing
		parent.children[b] = struct{}{}
	}
	return b
}

// start admits c, or reports why not.
func (b *backend) start(c *Call) error {
	b.mu.Lock()
	inLane := c.lane != nil && c.lane.busy
	switch {
	case b.closing && !c.held:
		b.refused++
		b.mu.Unlock()
		return ErrClosed
	case c.held: // bypasses all bounds: a stream must always be able to end
	case inLane && c.lane.waiting.len >= b.limits.queue,
		!inLane && b.slots == b.limits.slots && b.queue.len >= b.limits.queue:
		b.refused++
		b.mu.Unlock()
		return b.overload
	}
	b.started++
	b.active++
	var w *worker
	if inLane {
		c.lane.waiting.push(c)
	} else {
		if c.lane != nil {
			c.lane.busy = true
		}
		w = b.admitLocked(c)
	}
	waits := b.waitsLocked(c)
	b.mu.Unlock()
	if waits {
		b.watch(c)
	}
	w.run(c)
	return nil
}

// watch makes the end of its context end a call that waits: it must not wait
// for a slot to learn of it. A context may be the user's own code, so it is
// used without the mutex.
func (b *backend) watch(c *Call) {
	if c.ctx.Done() == nil {
		return
	}
	stop := context.AfterFunc(c.ctx, func() { b.cancel(c, c.ctx.Err(), true) })
	b.mu.Lock()
	waits := b.waitsLocked(c)
	if waits {
		c.unwatch = stop
	}
	b.mu.Unlock()
	if !waits {
		stop()
	}
}

// waitsLocked reports whether c waits for a slot or for its turn.
func (b *backend) waitsLocked(c *Call) bool { return c.in != nil && c.in != &b.live }

// admitLocked lets c run or wait for a slot. The result, if it is not nil,
// must run c once the mutex is unlocked.
func (b *backend) admitLocked(c *Call) *worker {
	if !c.held {
		if b.slots == b.limits.slots {
			b.queue.push(c)
			return nil
		}
		b.slots++
	}
	b.beginLocked(c)
	return b.takeWorkerLocked()
}

func (b *backend) beginLocked(c *Call) {
	c.state.Store(running)
	b.live.push(c)
}

// afterLocked is told that c's body has returned. It frees what c held and
// returns the call that the same worker should run next, or nil. If w is not
// nil, it must run the call other.
func (b *backend) afterLocked(c *Call) (next *Call, w *worker, other *Call) {
	b.live.remove(c)
	if !c.held {
		b.slots--
	}
	if heir := b.passTurnLocked(c); heir != nil {
		if !heir.held && (b.queue.len > 0 || b.slots == b.limits.slots) {
			b.queue.push(heir) // behind others: a busy lane must not keep a slot
		} else {
			if !heir.held {
				b.slots++
			}
			b.beginLocked(heir)
			next = heir
		}
	}
	if first := b.queue.first; first != nil && b.slots < b.limits.slots {
		first.in.remove(first)
		b.slots++
		b.beginLocked(first)
		if next == nil {
			next = first
		} else {
			w, other = b.takeWorkerLocked(), first
		}
	}
	b.doneLocked()
	return next, w, other
}

// passTurnLocked ends c's turn in its lane, if it has one, and returns the
// call whose turn it is, taken out of the lane's list.
func (b *backend) passTurnLocked(c *Call) *Call {
	if c.lane == nil {
		return nil
	}
	heir := c.lane.waiting.first
	c.lane.busy = heir != nil
	if heir != nil {
		heir.in.remove(heir)
	}
	return heir
}

// doneLocked counts a call whose body has returned, or will never run.
func (b *backend) doneLocked() {
	b.active--
	b.drainLocked()
}

// drainLocked tells close when nothing is left.
func (b *backend) drainLocked() {
	if b.active == 0 && b.ending == 0 && b.drained != nil {
		close(b.drained)
		b.drained = nil
	}
}

// cancel ends c with err, and reports whether it had not ended before. If it
// runs already and waitingOnly is set, it does nothing.
func (b *backend) cancel(c *Call, err error, waitingOnly bool) bool {
	var heir *Call
	var w *worker
	b.mu.Lock()
	waits := b.waitsLocked(c)
	if !waits && (waitingOnly || !c.state.CompareAndSwap(running, ended)) {
		b.mu.Unlock()
		return false
	}
	b.ending++ // close must not return before the callback is posted
	if waits {
		heir, w = b.dropLocked(c)
	}
	b.mu.Unlock()
	c.self.end(err)
	if waits {
		c.endWatch()
	}
	w.run(heir)
	b.mu.Lock()
	b.ending--
	b.drainLocked()
	b.mu.Unlock()
	return true
}

// dropLocked ends c, which waits. If w is not nil, it must run heir.
func (b *backend) dropLocked(c *Call) (heir *Call, w *worker) {
	hadTurn := c.in == &b.queue
	c.in.remove(c)
	c.state.Store(ended)
	if hadTurn {
		if heir = b.passTurnLocked(c); heir != nil {
			w = b.admitLocked(heir)
		}
	}
	b.doneLocked()
	return heir, w
}
