package adapter

import "sync"

// Window makes calls call back in the order in which they were started,
// although they run beside each other: a reorder window, as pipelined requests
// need. A result that comes early waits for those before it, and so does the
// end of a call that is cancelled or refused. How many calls it holds is
// bounded by the backend's slots and queue. The zero value is ready; use one
// window with one backend and one executor.
type Window struct {
	mu     sync.Mutex // guards the rest, and windowed of its calls
	calls  []*Call    // that have not called back, in order of starting
	posted bool       // a relay is under way
}

// windowed is a call's place in a window.
type windowed struct {
	window  *Window
	settled bool // the callback is due
	void    bool // there is to be no callback
}

func (w *Window) enter(c *Call) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls = append(w.calls, c)
}

// settle makes c call back once those before it have. If c was refused, and its
// callback is not to hear of it, void is set.
func (w *Window) settle(c *Call, void bool) {
	w.mu.Lock()
	place := &c.rare.Load().windowed
	place.settled, place.void = true, void
	post := !w.posted && w.calls[0].rare.Load().settled
	w.posted = w.posted || post
	w.mu.Unlock()
	if post {
		(&relay{c.a.exec, w.take}).post()
	}
}

// take returns the first call if its callback is due, and not before.
func (w *Window) take() *Call {
	w.mu.Lock()
	defer w.mu.Unlock()
	for len(w.calls) > 0 && w.calls[0].rare.Load().settled {
		first := w.calls[0]
		w.calls[0] = nil
		w.calls = w.calls[1:]
		if !first.rare.Load().void {
			return first
		}
	}
	if len(w.calls) == 0 {
		w.calls = nil
	}
	w.posted = false
	return nil
}
