package adapter

import (
	"context"
	"fmt"
	"maps"
	"slices"
)

// close is [Adapter.Close].
func (b *backend) close(ctx context.Context) error {
	var err error
	all := b.refuse(nil)
	left := 0
	for _, d := range all {
		select {
		case <-d.drained: // even if ctx has ended
			continue
		default:
		}
		select {
		case <-d.drained:
		case <-ctx.Done():
			err = ctx.Err()
			left += d.abortAll()
		}
	}
	if err != nil {
		return fmt.Errorf("adapter: Close ended %d calls: %w", left, err)
	}
	if p := b.parent; p != nil {
		p.mu.Lock()
		delete(p.children, b)
		p.mu.Unlock()
	}
	return nil
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
	b.unlock()
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

// abortAll aborts all calls, and returns how many it has ended.
func (b *backend) abortAll() (ended int) {
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
	for i := range b.lines {
		take(&b.lines[i].queue)
	}
	take(&b.abandoned)
	take(&b.live)
	b.mu.Unlock()
	// From the last: who waits behind another must not get its turn.
	for i := len(calls) - 1; i >= 0; i-- {
		if b.abort(calls[i]) {
			ended++
		}
	}
	return ended
}
