package adapter

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// class says what a call needs to run.
type class uint8

const (
	short   class = iota // one of the slots
	long                 // one of the slots for long calls
	held                 // nothing: it bypasses admission
	classes = held
)

// line is where the calls of a class wait. If anybody waits, all slots are
// taken.
type line struct {
	slots, taken int
	queue        list
	overload     error // ErrOverloaded, with advice
}

// backend admits calls and runs them on workers.
type backend struct {
	name     string
	parent   *backend
	settings settings
	refusals refusals

	undelivered atomic.Uint64

	// mu guards the rest, and the lists and lanes of the backend's calls. No
	// function of the user's runs under it.
	mu        sync.Mutex
	lines     [classes]line
	laneFull  error // ErrOverloaded, with advice
	live      list  // bodies that have not returned,
	abandoned list  // but those that were abandoned and not told to stop
	active    int   // calls that wait, here or in a lane, or whose bodies have not returned
	ending    int   // cancelled calls whose callbacks are about to be posted
	idle      []*worker
	unused    int // the least len(idle) since workers were last dismissed
	rests     int // times a worker became idle since then
	pressure  pressure
	counts    counts

	watches     map[<-chan struct{}]*watch // by their contexts' Done
	idleWatches []*watch                   // of these, those without calls

	closing  bool
	drained  chan struct{} // made by close; closed when active and ending are 0
	children map[*backend]struct{}
}

func newBackend(name string, parent *backend, opts []Option) *backend {
	s := newSettings(parent, opts)
	b := &backend{
		name: name, parent: parent, settings: s,
		children: map[*backend]struct{}{}, watches: map[<-chan struct{}]*watch{},
	}
	b.lines[short] = line{slots: s.slots, overload: fmt.Errorf("%w: backend %q runs %d calls and has %d waiting; start fewer, or raise its slots or queue",
		ErrOverloaded, name, s.slots, s.queue)}
	b.lines[long] = line{slots: s.long, overload: fmt.Errorf("%w: backend %q runs %d long calls and has %d waiting; start fewer, or raise its slots for long ones or its queue",
		ErrOverloaded, name, s.long, s.queue)}
	b.laneFull = fmt.Errorf("%w: a lane of backend %q has %d calls waiting; start fewer, or raise its queue", ErrOverloaded, name, s.queue)
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
	done := c.ctx.Done()
	var life context.Context
	var lifeDone <-chan struct{}
	if c.a.life != nil && !c.detached {
		if life = c.a.life.Context(); life != nil {
			lifeDone = life.Done()
		}
		if lifeDone == done {
			lifeDone = nil
		}
		if lifeDone != nil {
			c.needRare().life = life
		}
	}
	b.mu.Lock()
	if err := b.admissibleLocked(c); err != nil {
		b.counts.refused++
		b.mu.Unlock()
		return err
	}
	b.counts.started++
	b.active++
	var fresh, freshLife *watch
	if done != nil {
		fresh = b.watchLocked(c, c.ctx, done, &c.watch)
	}
	if lifeDone != nil {
		freshLife = b.watchLocked(c, life, lifeDone, &c.needRare().place)
	}
	if r := c.rare.Load(); r != nil && !r.deadline.IsZero() {
		r.timer = time.AfterFunc(time.Until(r.deadline), func() { b.cancel(c, context.DeadlineExceeded) })
	}
	var w *worker
	if c.lane != nil && c.lane.busy {
		c.lane.waiting.push(c)
	} else {
		if c.lane != nil {
			c.lane.busy = true
		}
		w = b.admitLocked(c)
	}
	b.unlock()
	b.begin(fresh)
	b.begin(freshLife)
	w.run(c)
	return nil
}

// admissibleLocked says why c cannot be admitted.
func (b *backend) admissibleLocked(c *Call) error {
	switch {
	case c.class == held: // bypasses all bounds: a stream must always be able to end
		return nil
	case b.closing:
		return ErrClosed
	}
	l := &b.lines[c.class]
	if c.lane != nil && c.lane.busy {
		if c.lane.waiting.len >= b.settings.queue {
			return b.laneFull
		}
	} else if l.taken == l.slots && l.queue.len >= b.settings.queue {
		return l.overload
	}
	return nil
}

// waitsLocked reports whether c waits for a slot or for its turn.
func (c *Call) waitsLocked() bool { return c.state.Load() == waiting && c.in != nil }

// admitLocked lets c run or wait for a slot. The result, if it is not nil,
// must run c once the mutex is unlocked.
func (b *backend) admitLocked(c *Call) *worker {
	if !b.takeSlotLocked(c, false) {
		return nil
	}
	return b.takeWorkerLocked()
}

// takeSlotLocked makes c run if there is a slot for it, and otherwise wait for
// one: in any case if it is to go behind others that wait.
func (b *backend) takeSlotLocked(c *Call, behind bool) bool {
	if c.class != held {
		l := &b.lines[c.class]
		if l.taken == l.slots || behind && l.queue.len > 0 {
			l.queue.push(c)
			return false
		}
		l.taken++
	}
	b.beginLocked(c)
	return true
}

func (b *backend) beginLocked(c *Call) {
	c.state.Store(running)
	b.live.push(c)
}

// afterLocked is told that c's body has returned. It frees what c held and
// returns the call that the same worker should run next, or nil. If w is not
// nil, it must run the call other.
func (b *backend) afterLocked(c *Call) (next *Call, w *worker, other *Call) {
	c.in.remove(c)
	if c.class != held {
		b.lines[c.class].taken--
	}
	// A busy lane must not keep a slot: its next call goes behind others.
	if heir := b.passTurnLocked(c); heir != nil && b.takeSlotLocked(heir, true) {
		next = heir
	}
	if c.class != held {
		l := &b.lines[c.class]
		if first := l.queue.first; first != nil && l.taken < l.slots {
			first.in.remove(first)
			l.taken++
			b.beginLocked(first)
			if next == nil {
				next = first
			} else {
				w, other = b.takeWorkerLocked(), first
			}
		}
	}
	b.doneLocked(c)
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

// doneLocked forgets a call whose body has returned, or will never run.
func (b *backend) doneLocked(c *Call) {
	b.unwatchLocked(&c.watch)
	if r := c.rare.Load(); r != nil {
		b.unwatchLocked(&r.place)
		for _, t := range [...]*time.Timer{r.timer, r.grace} {
			if t != nil {
				t.Stop()
			}
		}
		if r.abandoned {
			b.counts.abandoned--
		}
	}
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

// waitingLocked is how many calls wait, for a slot or in a lane.
func (b *backend) waitingLocked() int { return b.active - b.live.len - b.abandoned.len }

// unlock ends a change of what waits or is watched: who asked for it hears of
// pressure, and contexts that nobody needs are watched no longer.
func (b *backend) unlock() {
	tell := b.pressure.changedLocked(b.waitingLocked(), &b.settings)
	stops := b.trimWatchesLocked()
	b.mu.Unlock()
	for _, s := range tell {
		s.tell()
	}
	for _, stop := range stops {
		stop()
	}
}
