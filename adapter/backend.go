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
	idle    []*worker
	unused  int // the least len(idle) since workers were last dismissed
	rests   int // times a worker became idle since then
	started uint64
	refused uint64

	closing  bool
	drained  chan struct{} // made by close; closed when active falls to 0
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
	case inLane && c.lane.waiting.len >= b.limits.queue,
		!inLane && !c.held && b.slots == b.limits.slots && b.queue.len >= b.limits.queue:
		b.refused++
		b.mu.Unlock()
		return b.overload
	}
	b.started++
	b.active++
	if inLane {
		b.waitLocked(c, &c.lane.waiting)
		b.mu.Unlock()
		return nil
	}
	if c.lane != nil {
		c.lane.busy = true
	}
	w := b.admitLocked(c)
	b.mu.Unlock()
	w.run(c)
	return nil
}

// admitLocked lets c run or wait for a slot. The result, if it is not nil,
// must run c once the mutex is unlocked.
func (b *backend) admitLocked(c *Call) *worker {
	if !c.held {
		if b.slots == b.limits.slots {
			b.waitLocked(c, &b.queue)
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

// waitLocked puts c into a list. Its context is watched there: a call whose
// context ends must not wait for a slot to learn of it.
func (b *backend) waitLocked(c *Call, l *list) {
	l.push(c)
	if c.ctx.Done() != nil {
		c.unwatch = context.AfterFunc(c.ctx, func() { b.cancelWaiting(c, c.ctx.Err()) })
	}
}

// leaveLocked takes c out of the list in which it waits.
func (b *backend) leaveLocked(c *Call) {
	c.in.remove(c)
	if c.unwatch != nil {
		c.unwatch()
		c.unwatch = nil
	}
}

// afterLocked is told that c's body has returned. It frees what c held and
// returns the call that the same worker should run next, or nil. If heir is
// not nil, the worker heir must run the call other.
func (b *backend) afterLocked(c *Call) (next *Call, heir *worker, other *Call) {
	b.live.remove(c)
	other = b.passTurnLocked(c)
	if !c.held {
		b.slots--
	}
	if other != nil {
		if c.held && other.held { // a transaction's next statement: no hand-over
			b.beginLocked(other)
			b.doneLocked()
			return other, nil, nil
		}
		heir = b.admitLocked(other)
	}
	if first := b.queue.first; first != nil && b.slots < b.limits.slots {
		b.leaveLocked(first)
		b.slots++
		b.beginLocked(first)
		next = first
	}
	b.doneLocked()
	return next, heir, other
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
		b.leaveLocked(heir)
	}
	return heir
}

// doneLocked counts a call whose body has returned, or will never run.
func (b *backend) doneLocked() {
	if b.active--; b.active == 0 && b.drained != nil {
		close(b.drained)
		b.drained = nil
	}
}

// cancel ends c with err, and reports whether it had not ended before.
func (b *backend) cancel(c *Call, err error) bool {
	if b.cancelWaiting(c, err) {
		return true
	}
	if c.state.CompareAndSwap(running, ended) {
		c.self.end(err)
		return true
	}
	return false
}

// cancelWaiting ends c with err if it waits.
func (b *backend) cancelWaiting(c *Call, err error) bool {
	b.mu.Lock()
	if c.in == nil || c.in == &b.live {
		b.mu.Unlock()
		return false
	}
	hadTurn := c.in == &b.queue
	b.leaveLocked(c)
	c.state.Store(ended)
	var heir *Call
	var w *worker
	if hadTurn {
		if heir = b.passTurnLocked(c); heir != nil {
			w = b.admitLocked(heir)
		}
	}
	b.doneLocked()
	b.mu.Unlock()
	w.run(heir)
	c.self.end(err)
	return true
}
