package adapter

import (
	"time"

	"github.com/valet-go/valet/loop"
)

// relay runs callbacks that share one place in their executor's queue: so that
// many of them do not fill that, and others get turns in between.
type relay struct {
	exec loop.Executor
	next func() *Call // takes a call out whose callback is due; nil ends the relay
}

const (
	// relayTurn is how many call back, and relayBudget for how long, before
	// others get a turn.
	relayTurn   = 64
	relayBudget = 500 * time.Microsecond
	// relayCheck is after how many callbacks the clock is read.
	relayCheck = 8
)

// post makes the executor run the relay. If it is closed, what is due is lost.
func (r *relay) post() {
	if r.exec.Post(r.run) == nil {
		return
	}
	for c := r.next(); c != nil; c = r.next() {
		c.self.undelivered()
	}
}

// run is on the executor.
func (r *relay) run() {
	left := true
	defer func() {
		if left { // a callback panics, or ends its goroutine
			r.post()
		}
	}()
	if r.turn() && r.exec.Post(r.run) != nil {
		r.last()
	}
	left = false
}

// turn reports whether there may be more.
func (r *relay) turn() bool {
	stopAt := now() + int64(relayBudget)
	for i := range relayTurn {
		if i > 0 && i%relayCheck == 0 && now() > stopAt {
			break
		}
		c := r.next()
		if c == nil {
			return false
		}
		c.self.callBack()
	}
	return true
}

// last is for an executor that is being closed: now or never. What callbacks
// start from here on is lost, or they could go on for ever.
func (r *relay) last() {
	end := now()
	for c := r.next(); c != nil; c = r.next() {
		if c.started > end {
			c.self.undelivered()
		} else {
			c.self.callBack()
		}
	}
}
