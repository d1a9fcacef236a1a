package adapter

import "github.com/valet-go/valet/loop"

// relay runs callbacks that share one place in their executor's queue: so that
// many of them do not fill that, and others get turns in between.
type relay struct {
	exec loop.Executor
	next func() *Call // takes a call out whose callback is due; nil ends the relay
}

// relayTurn is how many call back before others get a turn.
const relayTurn = 64

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
	for {
		for range relayTurn {
			c := r.next()
			if c == nil {
				left = false
				return
			}
			c.self.callBack()
		}
		if r.exec.Post(r.run) == nil {
			left = false
			return
		}
		// The executor is being closed: now or never.
	}
}
