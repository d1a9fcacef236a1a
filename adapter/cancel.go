package adapter

import (
	"time"

	"github.com/valet-go/valet/internal/parking"
)

// cancel ends c, or makes it end, because of cause, and reports whether c had
// neither ended nor been cancelled before.
func (b *backend) cancel(c *Call, cause error) bool {
	b.mu.Lock()
	switch {
	case c.waitsLocked():
		b.unlockAndDrop(c, cause)
		return true
	case c.policy == Abandon:
		if c.state.Load() != running || !b.leaveLocked(c, cause) {
			b.mu.Unlock()
			return false
		}
		b.unlockAndEnd(c, cause, b.abandonLocked(c))
		return true
	}
	told := b.tellLocked(c, cause)
	b.mu.Unlock()
	if told && (c.policy != Kill || !c.kill()) {
		b.stop(c)
	}
	return told
}

// abort ends c with ErrClosed at once, whatever its policy and even if it was
// cancelled before, and tells its body to stop. It reports whether c had not
// ended before.
func (b *backend) abort(c *Call) bool {
	b.mu.Lock()
	switch {
	case c.waitsLocked():
		b.unlockAndDrop(c, ErrClosed)
		return true
	case c.in == &b.abandoned:
		b.recallLocked(c)
		b.mu.Unlock()
		b.stop(c)
		return false
	case !b.leaveLocked(c, ErrClosed):
		b.mu.Unlock()
		return false
	}
	b.unlockAndEnd(c, ErrClosed, c)
	return true
}

// tellLocked notes that c is to stop because of cause, if its body runs or is
// about to. If it returns true, the body is to be told.
func (b *backend) tellLocked(c *Call, cause error) bool {
	if c.state.Load() != running {
		return false
	}
	c.needRare().cause = cause
	told := c.state.CompareAndSwap(running, stopping)
	if told {
		b.counts.cancelled++
	}
	return told
}

// leaveLocked ends c, unless it has ended, without its body, which goes on.
func (b *backend) leaveLocked(c *Call, cause error) bool {
	r := c.needRare()
	state := c.state.Load()
	if state == running {
		r.cause = cause
	}
	if state == ended || !c.state.CompareAndSwap(state, ended) { // its body has returned meanwhile
		return false
	}
	if state == running {
		b.counts.cancelled++
	}
	r.abandoned = true
	b.counts.abandoned++
	return true
}

// unlockAndDrop ends c, which waits.
func (b *backend) unlockAndDrop(c *Call, cause error) {
	b.counts.cancelled++
	heir, w := b.dropLocked(c)
	defer w.run(heir) // also if a hook ends the goroutine
	b.unlockAndEnd(c, cause, nil)
}

// unlockAndEnd posts the callback of c, whose state is ended already, and tells
// the body of victim, if that is not nil, to stop.
func (b *backend) unlockAndEnd(c *Call, cause error, victim *Call) {
	b.ending++ // close must not return before the callback is posted
	b.unlock()
	defer func() { // also if a hook ends the goroutine
		if victim != nil {
			b.stop(victim)
		}
		b.mu.Lock()
		b.ending--
		b.drainLocked()
		b.mu.Unlock()
	}()
	c.self.end(cause)
}

// abandonLocked notes that nobody tells the body of c to stop. It returns the
// one that must stop because there are too many such bodies.
func (b *backend) abandonLocked(c *Call) (victim *Call) {
	b.live.remove(c)
	b.abandoned.push(c)
	if b.abandoned.len <= b.settings.abandoned {
		return nil
	}
	victim = b.abandoned.first
	b.recallLocked(victim)
	return victim
}

// recallLocked notes that the body of c, which was abandoned, is told to stop.
func (b *backend) recallLocked(c *Call) {
	b.abandoned.remove(c)
	b.live.push(c)
}

// stop ends the context of c's body, unless that has returned or was told
// before, and, each time the grace has passed and it still has not, closes the
// connection that it is parked on. If the context cannot end it does so at once.
func (b *backend) stop(c *Call) {
	switch {
	case c.policy == Abandon:
		b.closeParked(c)
	case c.endContext():
		b.afterGrace(c, b.closeParked)
	}
}

// closeParked closes the connection that c's body is parked on, and again after
// each grace until it has returned.
func (b *backend) closeParked(c *Call) {
	r := c.rare.Load()
	r.mu.Lock() // so its goroutine cannot go on to another call meanwhile
	c.ctxMu.Lock()
	over := r.over
	c.ctxMu.Unlock()
	if w := c.worker.Load(); w != nil && !over {
		parking.Close(w.gid)
	}
	r.mu.Unlock()
	if !over {
		b.afterGrace(c, b.closeParked)
	}
}

// afterGrace makes f run when the grace has passed, unless c is over by then.
func (b *backend) afterGrace(c *Call, f func(*Call)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if c.in == nil {
		return
	}
	r := c.rare.Load()
	if r.grace != nil {
		r.grace.Stop()
	}
	r.grace = time.AfterFunc(b.settings.grace, func() { f(c) })
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
