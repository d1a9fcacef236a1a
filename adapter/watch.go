package adapter

import "context"

// watch makes the calls of one context hear of its end: those that share a
// context, as the calls of a server or of a client's connection do, share its
// watch. A watch without calls is kept for the next one, up to keepWatches. It
// refers to the context of its first call, and so to the values of that; not to
// those of others that share its Done.
//
// All is guarded by the backend's mutex.
type watch struct {
	ctx   context.Context
	done  <-chan struct{} // the context's
	one   [1]watcher      // room for calls, as long as there is one only
	calls []watcher
	stop  func() bool // ends the watching; nil until it has begun
	ended bool        // the context has ended, or nobody needs the watch: it is not in b.watches
	idle  int32       // where it is in b.idleWatches, if it has no calls
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
		w = &watch{ctx: ctx, done: done}
		w.calls = w.one[:0]
		fresh = w
		b.watches[done] = w
	} else if len(w.calls) == 0 {
		b.needWatchLocked(w)
	}
	p.w, p.at = w, int32(len(w.calls))
	if w.calls = append(w.calls, watcher{c, p}); len(w.calls) == 2 {
		w.one[0] = watcher{} // which append has copied
	}
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
	dropped := w.ended
	b.mu.Unlock()
	if dropped {
		stop()
	}
}

// trimWatchesLocked forgets those without calls if they are too many, or if the
// backend is closed. What it returns must be called once the mutex is unlocked.
func (b *backend) trimWatchesLocked() (stops []func() bool) {
	if n := len(b.idleWatches); n == 0 || n <= keepWatches && !b.closing {
		return nil
	}
	for i, w := range b.idleWatches {
		w.ended = true
		delete(b.watches, w.done)
		if w.stop != nil { // else begin sees that it has ended
			stops = append(stops, w.stop)
		}
		b.idleWatches[i] = nil
	}
	b.idleWatches = b.idleWatches[:0]
	return stops
}

// needWatchLocked takes w, which has no calls, out of b.idleWatches.
func (b *backend) needWatchLocked(w *watch) {
	last := len(b.idleWatches) - 1
	moved := b.idleWatches[last]
	b.idleWatches[w.idle], moved.idle = moved, w.idle
	b.idleWatches[last] = nil
	b.idleWatches = b.idleWatches[:last]
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
	w.idle = int32(len(b.idleWatches))
	b.idleWatches = append(b.idleWatches, w)
}

// contextEnded cancels the calls of w, whose context has ended.
func (b *backend) contextEnded(w *watch) {
	b.mu.Lock()
	if w.ended {
		b.mu.Unlock()
		return
	}
	w.ended = true
	delete(b.watches, w.done)
	if len(w.calls) == 0 {
		b.needWatchLocked(w)
	}
	calls := make([]*Call, len(w.calls))
	for i, watcher := range w.calls {
		calls[i] = watcher.call
	}
	b.mu.Unlock()
	b.cancelAll(calls, w.ctx.Err())
}

// cancelAll cancels the calls, even if a hook ends the goroutine.
func (b *backend) cancelAll(calls []*Call, cause error) {
	defer func() {
		if len(calls) > 0 {
			go b.cancelAll(calls, cause)
		}
	}()
	for len(calls) > 0 {
		c := calls[0]
		calls = calls[1:]
		b.cancel(c, cause)
	}
}
