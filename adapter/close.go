package adapter

import (
	"context"
	"maps"
	"slices"
)

// close is [Adapter.Close].
func (b *backend) close(ctx context.Context) error {
	var err error
	for _, d := range b.refuse(nil) {
		select {
		case <-d.drained: // even if ctx has ended
			continue
		default:
		}
		select {
		case <-d.drained:
		case <-ctx.Done():
			d.abort()
			err = ctx.Err()
		}
	}
	if p := b.parent; p != nil && err == nil {
		p.mu.Lock()
		delete(p.children, b)
		p.mu.Unlock()
	}
	return err
}

// draining is a backend that is being closed.
type draining struct {
	*backend
	drained <-chan struct{}
}

// refuse makes b, and the backends made from it, admit nothing more but held
// calls, all of them before any is waited for. It appends them to all.
func (b *backend) refuse(all []draining) []draining {
	b.mu.Lock()
	b.closing = true
	b.dismissLocked(len(b.idle))
	all = append(all, draining{b, b.drainedLocked()})
	children := slices.Collect(maps.Keys(b.children))
	b.mu.Unlock()
	for _, child := range children {
		all = child.refuse(all)
	}
	return all
}

// drainedLocked returns a channel that is closed once nothing is left.
func (b *backend) drainedLocked() <-chan struct{} {
	if b.active == 0 && b.ending == 0 {
		none := make(chan struct{})
		close(none)
		return none
	}
	if b.drained == nil {
		b.drained = make(chan struct{})
	}
	return b.drained
}

// abort ends all calls with ErrClosed.
func (b *backend) abort() {
	b.mu.Lock()
	var calls []*Call
	take := func(l *list) {
		for c := l.first; c != nil; c = c.next {
			calls = append(calls, c)
			if c.lane != nil { // c has its turn; these wait for theirs
				for w := c.lane.waiting.first; w != nil; w = w.next {
					calls = append(calls, w)
				}
			}
		}
	}
	take(&b.queue)
	take(&b.live)
	b.mu.Unlock()
	// From the last: who waits behind another must not get its turn.
	for i := len(calls) - 1; i >= 0; i-- {
		b.cancel(calls[i], ErrClosed, false)
	}
}

// Stats is what a backend is doing, and has done since it was made.
type Stats struct {
	Name        string
	Running     int    // bodies that have not returned, abandoned and held ones included
	Waiting     int    // calls that wait for a slot or for their turn in a lane
	Started     uint64 // calls admitted
	Refused     uint64 // calls refused with ErrOverloaded or ErrClosed
	Undelivered uint64 // callbacks lost because their executor was closed
}

func (b *backend) stats() Stats {
	b.mu.Lock()
	defer b.mu.Unlock()
	return Stats{
		Name: b.name, Running: b.live.len, Waiting: b.active - b.live.len,
		Started: b.started, Refused: b.refused, Undelivered: b.undelivered.Load(),
	}
}
