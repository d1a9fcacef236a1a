package loop

import (
	"fmt"
	"sync"
	"sync/atomic"
)

// Handle is a registered descriptor, from [Loop.AddHandler].
type Handle struct {
	l       *Loop
	fn      func(Readiness)
	fd      int32
	slot    uint32
	removed atomic.Bool
}

// handlers is the table of registrations. An event names a slot and its
// generation, so that one that was harvested for an earlier owner of the slot,
// or of the descriptor's number, is recognised as stale.
type handlers struct {
	mu    sync.Mutex // guards slots, free and closed
	slots []handlerSlot
	free  []uint32
	// closed is set once the loop no longer takes registrations.
	closed bool
}

type handlerSlot struct {
	h   *Handle
	gen uint32
}

// key is what the poller keeps for a registration and returns with its events.
type key struct{ slot, gen uint32 }

// AddHandler makes the loop call fn, on its goroutine, when the descriptor fd
// is ready for what want asks. It is level-triggered, called in every
// iteration as long as the descriptor is ready, unless want has [Edge]. Any
// goroutine may call it, it does not block, and fn may run before it returns.
//
// fd stays the caller's, who must call [Handle.Remove] before closing it. When
// the loop is closed, each handler is called a last time with [LoopClosed].
//
// Errors: [ErrClosed]; the system's (one that is registered already gives EEXIST;
// one that cannot be polled, such as a regular file's on Linux, EPERM);
// [errors.ErrUnsupported] where this package cannot poll.
func (l *Loop) AddHandler(fd int, want Interest, fn func(Readiness)) (*Handle, error) {
	if fn == nil {
		panic("loop: AddHandler needs a function, not nil")
	}
	h := &Handle{l: l, fn: fn, fd: int32(fd)}
	t := &l.handlers
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return nil, ErrClosed
	}
	k := t.takeLocked(h)
	if err := l.poller.add(fd, want, k); err != nil {
		t.releaseLocked(h)
		return nil, fmt.Errorf("loop: add a handler for descriptor %d: %w", fd, err)
	}
	return h, nil
}

// Modify changes what the handler wants to hear of, and makes it hear of what is
// ready now, even with [Edge]. An event that was found before may still come.
// Any goroutine; does not block. Errors: [ErrClosed] on a removed handle or a
// closed loop; the system's.
func (h *Handle) Modify(want Interest) error {
	t := &h.l.handlers
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed || h.removed.Load() {
		return ErrClosed
	}
	if err := h.l.poller.modify(int(h.fd), want, key{h.slot, t.slots[h.slot].gen}); err != nil {
		return fmt.Errorf("loop: modify the handler of descriptor %d: %w", h.fd, err)
	}
	return nil
}

// Remove ends the registration. Call it before closing the descriptor: a
// duplicate would keep the registration alive. Any goroutine; does not block.
// Called on the loop, the handler never runs again, not even with [LoopClosed];
// called elsewhere, it may be running at that moment. A second call, or one
// after the loop was closed, does nothing. Errors: the system's, if the
// descriptor was closed before; the registration has ended all the same.
func (h *Handle) Remove() error {
	t := &h.l.handlers
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed || h.removed.Load() {
		h.removed.Store(true) // one that has not been told of the end is not any more
		return nil
	}
	err := h.l.poller.remove(int(h.fd))
	t.releaseLocked(h)
	if err != nil {
		return fmt.Errorf("loop: remove the handler of descriptor %d: %w", h.fd, err)
	}
	return nil
}

func (t *handlers) takeLocked(h *Handle) key {
	if n := len(t.free); n > 0 {
		h.slot, t.free = t.free[n-1], t.free[:n-1]
	} else {
		h.slot = uint32(len(t.slots))
		t.slots = append(t.slots, handlerSlot{})
	}
	s := &t.slots[h.slot]
	s.h = h
	return key{h.slot, s.gen}
}

func (t *handlers) releaseLocked(h *Handle) {
	h.removed.Store(true)
	s := &t.slots[h.slot]
	s.h = nil
	s.gen++
	t.free = append(t.free, h.slot)
}

// count is how many handlers there are. Any goroutine.
func (t *handlers) count() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return 0
	}
	return len(t.slots) - len(t.free)
}

// ready is an event whose handler has been looked up.
type ready struct {
	h *Handle
	r Readiness
}

// resolve looks up the handlers of what the poller found, under one lock.
func (t *handlers) resolve(found []event, into []ready) []ready {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, e := range found {
		if int(e.key.slot) >= len(t.slots) {
			continue
		}
		if s := t.slots[e.key.slot]; s.h != nil && s.gen == e.key.gen {
			into = append(into, ready{s.h, e.ready})
		}
	}
	return into
}

// dispatch is phase 4.
func (l *Loop) dispatch() {
	for l.readyAt < len(l.ready) {
		l.dispatchSome()
	}
	l.ready, l.readyAt = l.ready[:0], 0
}

func (l *Loop) dispatchSome() {
	defer l.contain()
	for l.readyAt < len(l.ready) {
		e := l.ready[l.readyAt]
		l.ready[l.readyAt].h = nil
		l.readyAt++
		if !e.h.removed.Load() {
			l.began()
			e.h.fn(e.r)
		}
	}
}

// closeHandlers refuses further registrations and tells every handler.
func (l *Loop) closeHandlers() {
	t := &l.handlers
	t.mu.Lock()
	t.closed = true
	for i := range t.slots {
		if h := t.slots[i].h; h != nil {
			l.ready = append(l.ready, ready{h, LoopClosed})
			t.slots[i].h = nil
		}
	}
	t.mu.Unlock()
	l.dispatch()
}
