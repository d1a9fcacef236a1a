package loop

import "context"

// drain is a Drain whose callback has not run.
type drain struct {
	cb   func(error)
	stop func() bool // ends the watch on the context
	err  error       // why streams were closed; nil: they were not
}

// Drain closes the listener and waits for its streams: when the last has ended,
// cb is called with nil. When ctx ends first, the streams that are left are
// closed, as by [Stream.Close], and cb gets the context's error (so do those of
// other Drains); if the loop is closed first, [ErrClosed]. It is called once,
// on the loop, after the callbacks of the streams. On the loop; does not block.
// On a closed loop cb never runs.
func (ln *Listener) Drain(ctx context.Context, cb func(error)) {
	ln.l.mustOwn("Listener.Drain")
	if cb == nil {
		panic("loop: Listener.Drain needs a function, not nil")
	}
	if ln.l.streams.down {
		return
	}
	ln.close()
	d := &drain{cb: cb}
	d.stop = context.AfterFunc(ctx, func() {
		_ = ln.l.Post(func() { ln.giveUp(ctx.Err()) }) // a loop that closes ends the streams itself
	})
	ln.drains = append(ln.drains, d)
	ln.l.streams.add(ln) // again, so that the end of the loop ends the drain
	ln.schedule()
}

// giveUp closes the streams that are left.
func (ln *Listener) giveUp(why error) {
	if len(ln.drains) == 0 || ln.open.Load() == 0 {
		return
	}
	for _, d := range ln.drains {
		d.err = why
	}
	for _, e := range ln.l.streams.all() {
		if s, ok := e.(*Stream); ok && s.ln == ln {
			s.Close()
		}
	}
}

// endDrain runs the callback of one drain.
func (ln *Listener) endDrain() {
	d := ln.drains[0]
	if ln.drains = ln.drains[1:]; len(ln.drains) == 0 {
		ln.l.streams.remove(ln)
	}
	d.stop()
	d.cb(d.err)
}
