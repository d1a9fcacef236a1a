package adapter

import (
	"slices"
	"sync"

	"github.com/valet-go/valet/loop"
)

// pressure says whether too many calls wait. It is guarded by the backend's
// mutex.
type pressure struct {
	high bool
	subs []*subscriber
}

// subscriber is somebody who wants to know.
type subscriber struct {
	b    *backend
	exec loop.Executor
	fn   func(bool)

	mu      sync.Mutex // guards the rest
	pending bool       // a post is under way
	stopped bool
	told    bool // what fn was told last
}

// OnPressure makes fn run, on a's executor, when the calls of the backend that
// wait for a slot, or for their turn in a lane, have become as many as the high
// watermark: with true; and with false when they have become as few as the low
// one again. See [WithWatermarks]. A front end stops reading its clients
// meanwhile, and so nothing is refused. If there is pressure already, fn is
// told at once. What changes and changes back meanwhile may go unreported; the
// last report is always right. stop ends it; called on the executor, no report
// comes after it. Whoever needs reports no longer, such as a front end's
// connection that has closed, must call it. Any goroutine; neither blocks.
func (a *Adapter) OnPressure(fn func(high bool)) (stop func()) {
	if fn == nil {
		panic("adapter: OnPressure needs a function, not nil")
	}
	s := &subscriber{b: a.b, exec: a.exec, fn: fn}
	a.b.mu.Lock()
	a.b.pressure.subs = append(a.b.pressure.subs, s)
	high := a.b.pressure.high
	a.b.mu.Unlock()
	if high {
		s.tell()
	}
	return s.stop
}

// changedLocked notes how many calls wait, and returns who must be told.
func (p *pressure) changedLocked(waiting int, s *settings) []*subscriber {
	switch {
	case !p.high && waiting >= s.high:
		p.high = true
	case p.high && waiting <= s.low:
		p.high = false
	default:
		return nil
	}
	return slices.Clone(p.subs)
}

// tell posts a report, unless one is posted already.
func (s *subscriber) tell() {
	s.mu.Lock()
	post := !s.pending && !s.stopped
	s.pending = s.pending || post
	s.mu.Unlock()
	if post && s.exec.Post(s.report) != nil {
		s.stop() // a closed executor hears nothing
	}
}

// report is on the executor.
func (s *subscriber) report() {
	s.mu.Lock()
	s.pending = false // before the look: what changes after it is reported anew
	stopped := s.stopped
	s.mu.Unlock()
	s.b.mu.Lock()
	high := s.b.pressure.high
	s.b.mu.Unlock()
	s.mu.Lock()
	news := high != s.told && !stopped
	s.told = high
	s.mu.Unlock()
	if news {
		onExecutor(func() { s.fn(high) })
	}
}

func (s *subscriber) stop() {
	s.mu.Lock()
	s.stopped = true
	s.mu.Unlock()
	b := s.b
	b.mu.Lock()
	defer b.mu.Unlock()
	b.pressure.subs = slices.DeleteFunc(b.pressure.subs, func(other *subscriber) bool { return other == s })
}
