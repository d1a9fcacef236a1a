package adapter

import (
	"time"

	"github.com/valet-go/valet/internal/parking"
)

// cancel ends c, or makes it end, because of cause, and reports whether c had
// neither ended nor been cancelled before. With abort it ends at once, whatever
// its policy, and even if it has been cancelled before, and its body is told to
// stop.
func (b *backend) cancel(c *Call, cause error, abort bool) bool {
	b.mu.Lock()
	switch {
	case c.waitsLocked():
		b.counts.cancelled++
		heir, w := b.dropLocked(c)
		b.unlockAndEnd(c, cause, nil)
		w.run(heir)
		return true
	case abort:
		stopped := c.leave(stopping)
		if !stopped && !c.leave(running) {
			b.mu.Unlock()
			return false
		}
		if !stopped {
			b.counts.cancelled++
		}
		b.unlockAndEnd(c, cause, c)
		return true
	case c.policy == Abandon:
		if !c.leave(running) {
			b.mu.Unlock()
			return false
		}
		b.counts.cancelled++
		b.unlockAndEnd(c, cause, b.abandonLocked(c))
		return true
	}
	if c.state.Load() != running {
		b.mu.Unlock()
		return false
	}
	c.needRare().cause = cause
	told := c.state.CompareAndSwap(running, stopping)
	if told {
		b.counts.cancelled++
	}
	b.mu.Unlock()
	if told && (c.policy != Kill || !c.kill(cause)) {
		b.stop(c, cause)
	}
	return told
}

// unlockAndEnd posts the callback of c, whose state is ended already, and tells
// the body of victim, if that is not nil, to stop.
func (b *backend) unlockAndEnd(c *Call, cause error, victim *Call) {
	b.ending++ // close must not return before the callback is posted
	b.unlock()
	c.self.end(cause)
	if victim != nil {
		b.stop(victim, cause)
	}
	b.mu.Lock()
	b.ending--
	b.drainLocked()
	b.mu.Unlock()
}

// leave ends a call without its body, and reports whether its state was from.
func (c *Call) leave(from uint32) bool { return c.state.CompareAndSwap(from, ended) }

// abandonLocked notes that the body of c goes on without it. It returns the one
// that must stop because there are too many such bodies.
func (b *backend) abandonLocked(c *Call) (victim *Call) {
	c.needRare().abandoned = true
	b.counts.abandoned++
	b.live.remove(c)
	b.abandoned.push(c)
	if b.abandoned.len <= b.settings.abandoned {
		return nil
	}
	victim = b.abandoned.first
	b.abandoned.remove(victim)
	b.live.push(victim)
	return victim
}

// stop ends the context of c's body, unless that has returned, and, each time
// the grace has passed and it still has not, closes the connection that it is
// parked on. If the context cannot end it does so at once.
func (b *backend) stop(c *Call, cause error) {
	if c.policy == Abandon {
		b.closeParked(c)
		return
	}
	c.endContext(cause)
	time.AfterFunc(b.settings.grace, func() { b.closeParked(c) })
}

// closeParked closes the connection that c's body is parked on, and again after
// each grace until it has returned.
func (b *backend) closeParked(c *Call) {
	b.mu.Lock()
	runs := c.in != nil
	if runs { // and so does its worker: what that is parked on is the body's
		if w := c.worker.Load(); w != nil {
			parking.Close(w.gid)
		}
	}
	b.mu.Unlock()
	if runs {
		time.AfterFunc(b.settings.grace, func() { b.closeParked(c) })
	}
}

// dropLocked ends c, which waits. If w is not nil, it must run heir.
func (b *backend) dropLocked(c *Call) (heir *Call, w *worker) {
	hadTurn := c.lane == nil || c.in != &c.lane.waiting
	c.in.remove(c)
	c.state.Store(ended)
	if hadTurn {
		if heir = b.passTurnLocked(c); heir != nil {
			w = b.admitLocked(heir)
		}
	}
	b.doneLocked(c)
	return heir, w
}
