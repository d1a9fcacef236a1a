package adapter

import (
	"fmt"
	"time"
)

// CallOption modifies one call.
type CallOption struct {
	class   class
	detach  bool
	lane    *Lane
	window  *Window
	drop    func(any)
	name    string
	timeout time.Duration // -1: none, whatever the backend's
	policy  CancelPolicy  // plus one; 0: the backend's
}

// Held marks a call that works on a connection which the caller already
// holds. It takes no slot, and never waits for one.
func Held() CallOption { return CallOption{class: held} }

// Releasing marks a held call that gives up what the caller holds, such as a
// rollback or a close. Like [Held] it bypasses admission; and it is not ended
// by the end of the executor's own context, since then it is needed most.
func Releasing() CallOption { return CallOption{class: held, detach: true} }

// Long marks a call that waits for long, such as BLPOP, LISTEN, or the next
// event of a change stream. It takes one of the backend's slots for long calls,
// so that it cannot keep out short ones; see [WithLongSlots].
func Long() CallOption { return CallOption{class: long} }

// In makes a call one of a lane's.
func In(lane *Lane) CallOption {
	if lane == nil {
		panic("adapter: In needs a lane, not nil")
	}
	return CallOption{lane: lane}
}

// Ordered makes a call one of a window's.
func Ordered(w *Window) CallOption {
	if w == nil {
		panic("adapter: Ordered needs a window, not nil")
	}
	return CallOption{window: w}
}

// OnDrop names what to do with a result that no callback will get, because the
// call was cancelled while its body ran, or the executor was closed: release
// what it holds. It is called with the body's value, on a goroutine of the
// adapter's, and may block; not if the body failed. nil means nothing.
func OnDrop(drop func(value any)) CallOption { return CallOption{drop: drop} }

// Name names a call for [Adapter.Calls] and for hooks.
func Name(name string) CallOption { return CallOption{name: name} }

// Timeout bounds a call, from its start to the end of its body: when it has
// passed, the call is cancelled with [context.DeadlineExceeded]. 0 means no
// timeout, not even the backend's; less panics.
func Timeout(d time.Duration) CallOption {
	switch {
	case d < 0:
		panic(fmt.Sprintf("adapter: Timeout(%v): it cannot be negative", d))
	case d == 0:
		d = -1
	}
	return CallOption{timeout: d}
}

// CancelWith sets a call's policy, in place of the backend's.
func CancelWith(p CancelPolicy) CallOption {
	p.check()
	return CallOption{policy: p + 1}
}

// Options makes one option of several, so that what wraps a driver can hand
// them on without a slice. No options are an option, too, which says nothing.
func Options(opts ...CallOption) CallOption {
	var all CallOption
	for i := range opts {
		all.merge(&opts[i])
	}
	return all
}

// merge adds what o says; what is said last counts.
func (to *CallOption) merge(o *CallOption) {
	if o.class != short {
		to.class = o.class
	}
	to.detach = to.detach || o.detach
	if o.lane != nil {
		to.lane = o.lane
	}
	if o.window != nil {
		to.window = o.window
	}
	if o.drop != nil {
		to.drop = o.drop
	}
	if o.name != "" {
		to.name = o.name
	}
	if o.timeout != 0 {
		to.timeout = o.timeout
	}
	if o.policy != 0 {
		to.policy = o.policy
	}
}
