package adapter

import "context"

// watch makes the calls of one context hear of its end: those that share a
// context, as the calls of a server or of a client's connection do, share its
// watch. A watch without calls is kept for the next one, up to keepWatches.
//
// All is guarded by the backend's mutex.
type watch struct {
	ctx   context.Context
	one   [1]watcher // room for calls, as long as there is one only
	calls []watcher
	stop  func() bool // ends the watching; nil until it has begun
	ended bool        // the context has ended, or nobody needs the watch: it is not in b.watches
}

// watcher is a call of a watch, and the place that says where.
type watcher struct {
	call  *Call
	place *place
}

// place is where a call is in a watch.
type place struct {
	w  *watch // nil: in none
	at int32
}

const (
	// keepWatches is how many contexts without calls stay watched.
	keepWatches = 64
	// keepWatchers is the capacity up to which a watch without calls keeps its
	// memory.
	keepWatchers = 1 << 10
)

// watchLocked makes the end of ctx cancel c. The result, if it is not nil, must
// begin once the mutex is unlocked: a context may be the user's own code.
func (b *backend) watchLocked(c *Call, ctx context.Context, done <-chan struct{}, p *place) (fresh *watch) {
	w := b.watches[done]
	if w == nil {
		w = &watch{ctx: ctx}
		w.calls = w.one[:0]
		fresh = w
		b.watches[done] = w
	} else if len(w.calls) == 0 {
		b.idleWatches--
	}
	p.w, p.at = w, int32(len(w.calls))
	w.calls = append(w.calls, watcher{c, p})
	return fresh
}

// begin starts to watch.
func (b *backend) begin(w *watch) {
	if w == nil {
		return
	}
	stop := context.AfterFunc(w.ctx, func() { b.contextEnded(w) })
	b.mu.Lock()
	w.stop = stop
	var stops []func() bool
	if w.ended { // nobody needed it any more
		stops = append(stops, stop)
	}
	if b.idleWatches > keepWatches {
		stops = b.dropWatchesLocked(stops)
	}
	b.mu.Unlock()
	for _, stop := range stops {
		stop()
	}
}

// dropWatchesLocked forgets those without calls. What it appends to stops must
// be called once the mutex is unlocked.
func (b *backend) dropWatchesLocked(stops []func() bool) []func() bool {
	for done, w := range b.watches {
		if len(w.calls) > 0 {
			continue
		}
		w.ended = true
		delete(b.watches, done)
		if w.stop != nil { // else begin sees that it has ended
			stops = append(stops, w.stop)
		}
	}
	b.idleWatches = 0
	return stops
}

// dropWatches forgets those without calls.
func (b *backend) dropWatches() {
	b.mu.Lock()
	stops := b.dropWatchesLocked(nil)
	b.mu.Unlock()
	for _, stop := range stops {
		stop()
	}
}

// unwatchLocked forgets a call that has ended.
func (b *backend) unwatchLocked(p *place) {
	w := p.w
	if w == nil {
		return
	}
	last := len(w.calls) - 1
	moved := w.calls[last]
	w.calls[p.at] = moved
	moved.place.at = p.at
	w.calls[last] = watcher{}
	w.calls = w.calls[:last]
	p.w = nil
	if last > 0 || w.ended {
		return
	}
	if cap(w.calls) > keepWatchers {
		w.calls = nil
	}
	b.idleWatches++
}

// contextEnded cancels the calls of w, whose context has ended.
func (b *backend) contextEnded(w *watch) {
	b.mu.Lock()
	if w.ended {
		b.mu.Unlock()
		return
	}
	w.ended = true
	delete(b.watches, w.ctx.Done())
	if len(w.calls) == 0 {
		b.idleWatches--
	}
	calls := make([]*Call, len(w.calls))
	for i, watcher := range w.calls {
		calls[i] = watcher.call
	}
	b.mu.Unlock()
	cause := w.ctx.Err()
	for _, c := range calls {
		b.cancel(c, cause, false)
	}
}
