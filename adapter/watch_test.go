package adapter

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"weak"
)

// watches returns how many contexts the backend watches.
func watches(a *Adapter) int {
	a.b.mu.Lock()
	defer a.b.mu.Unlock()
	return len(a.b.watches)
}

func TestCallsOfOneContextShareAWatch(t *testing.T) {
	const many = 300
	a := newAdapter(t, WithSlots(2))
	ctx, cancel := context.WithCancel(bg)
	type key struct{}
	m := newFrontend(t, a)
	m.ctx = ctx
	var calls []*asked
	for range 2 {
		calls = append(calls, ask(ctx, t, a))
	}
	for i := range many {
		from, view := ctx, a
		switch i % 3 {
		case 0:
			from = context.WithValue(ctx, key{}, i)
		case 1: // the same twice
			view = a.On(m)
		}
		calls = append(calls, never(from, t, view))
	}
	if n := watches(a); n != 1 {
		t.Errorf("%d contexts are watched, want 1", n)
	}
	a.b.mu.Lock()
	for _, w := range a.b.watches {
		if len(w.calls) != many+2 {
			t.Errorf("%d calls hear of it, want each of the %d once", len(w.calls), many+2)
		}
	}
	a.b.mu.Unlock()
	cancel()
	for i, c := range calls {
		if i < 2 {
			await(t, c.ctx.Done())
			c.result(errTest)
		}
		wantErr(t, c.outcome, context.Canceled)
	}
	if n := watches(a); n != 0 {
		t.Errorf("%d contexts are watched after the end of the only one", n)
	}
	calls[0].wantOnce(t)
}

func TestCallsLeaveTheirWatchInAnyOrder(t *testing.T) {
	a := newAdapter(t, WithSlots(1))
	defer block(t, a).release()
	ctx, cancel := context.WithCancel(bg)
	defer cancel()
	const many = 50
	var calls []*asked
	for range many {
		calls = append(calls, never(ctx, t, a))
	}
	for i := range many { // 0, 7, 14 ... modulo 50
		c := calls[i*7%many]
		c.Cancel()
		wantErr(t, c.outcome, context.Canceled)
		if i == many/2 {
			break
		}
	}
	cancel()
	for i := many/2 + 1; i < many; i++ {
		wantErr(t, calls[i*7%many].outcome, context.Canceled)
	}
}

func TestContextsWithoutCallsAreKeptUpToABound(t *testing.T) {
	const many = 3 * keepWatches
	a := newAdapter(t, WithSlots(many))
	var running []*blocked
	for range many {
		ctx, cancel := context.WithCancel(bg)
		defer cancel()
		running = append(running, blockWith(ctx, t, a))
	}
	if n := watches(a); n != many {
		t.Errorf("%d contexts are watched, want %d", n, many)
	}
	for _, c := range running {
		c.release()
	}
	eventually(t, "all bodies returned", func() bool { return a.Stats().Running == 0 })
	if n := watches(a); n > keepWatches {
		t.Errorf("%d contexts are watched although no call has them, want at most %d", n, keepWatches)
	}
}

func TestAClosedBackendWatchesNothing(t *testing.T) {
	a := newAdapter(t)
	ctx, cancel := context.WithCancel(bg)
	defer cancel()
	cb, got := into[int]()
	body := func(context.Context) (int, error) { return 1, nil }
	Go(ctx, a, body, cb)
	wantValue(t, got, 1)
	last := blockWith(ctx, t, a)
	abortAll(t, a)
	last.release()
	Go(ctx, a, body, cb, Held())
	wantValue(t, got, 1)
	eventually(t, "all bodies returned", func() bool { return a.Stats().Running == 0 })
	if n := watches(a); n != 0 {
		t.Errorf("%d contexts are watched", n)
	}
}

// TestAWatchKeepsNoCall: the first call of a context that lives on must not live
// as long.
func TestAWatchKeepsNoCall(t *testing.T) {
	a := newAdapter(t)
	ctx, cancel := context.WithCancel(bg)
	defer cancel()
	gone := func() weak.Pointer[Call] {
		first, second := blockWith(ctx, t, a), blockWith(ctx, t, a)
		for _, c := range []*blocked{first, second} {
			c.release()
			await(t, c.outcome)
		}
		return weak.Make(first.Call)
	}
	// The cleanups of block refer to nothing but what releases the bodies.
	p := gone()
	defer blockWith(ctx, t, a).release() // the watch is in use
	eventually(t, "the call is garbage", func() bool { runtime.GC(); return p.Value() == nil })
}

// hooked is a context with an AfterFunc of its own.
type hooked struct {
	sluggish
	mu      sync.Mutex
	funcs   map[int]func()
	watched int
	ask     func() // or nil; called by Done
	before  func() // or nil; called by AfterFunc
}

func (h *hooked) Done() <-chan struct{} {
	if h.ask != nil {
		h.ask()
	}
	return h.done
}

func (h *hooked) AfterFunc(f func()) func() bool {
	if h.before != nil {
		h.before()
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.funcs == nil {
		h.funcs = map[int]func(){}
	}
	n := h.watched
	h.watched++
	h.funcs[n] = f
	return func() bool {
		h.mu.Lock()
		defer h.mu.Unlock()
		_, waits := h.funcs[n]
		delete(h.funcs, n)
		return waits
	}
}

func (h *hooked) end() {
	close(h.done)
	h.mu.Lock()
	defer h.mu.Unlock()
	for n, f := range h.funcs {
		go f()
		delete(h.funcs, n)
	}
}

func newHooked() *hooked { return &hooked{sluggish: sluggish{bg, make(chan struct{})}} }

func TestAContextWithAnAfterFuncOfItsOwnCostsNoGoroutine(t *testing.T) {
	a := newAdapter(t, WithSlots(1))
	ctx := newHooked()
	c := ask(ctx, t, a)
	before := runtime.NumGoroutine()
	waits := never(ctx, t, a)
	if n := runtime.NumGoroutine(); n > before {
		t.Errorf("%d goroutines for a call that waits", n-before)
	}
	if ctx.watched != 1 {
		t.Errorf("AfterFunc was called %d times, want once", ctx.watched)
	}
	ctx.end()
	wantErr(t, waits.outcome, errTest)
	await(t, c.ctx.Done())
	if c.ctx.Err() != errTest {
		t.Errorf("the body's context says %v, want the context's own error", c.ctx.Err())
	}
	c.result(nil)
}

func TestAContextIsForgottenWhenTheBackendCloses(t *testing.T) {
	a := newAdapter(t)
	ctx := newHooked()
	c := ask(ctx, t, a)
	c.result(nil)
	await(t, c.outcome)
	if err := a.Close(bg); err != nil {
		t.Error(err)
	}
	ctx.mu.Lock()
	defer ctx.mu.Unlock()
	if len(ctx.funcs) != 0 {
		t.Error("its function is still registered")
	}
}

func TestAWatchThatNobodyNeedsWhenItBeginsIsEnded(t *testing.T) {
	a := newAdapter(t, WithSlots(1))
	head := block(t, a)
	ctx := newHooked()
	ctx.before = func() { abortAll(t, a) } // and so the call is over before it is watched
	cb, got := into[int]()
	Go(ctx, a, func(context.Context) (int, error) { t.Error("the body ran"); return 0, nil }, cb)
	wantErr(t, got, ErrClosed)
	ctx.mu.Lock()
	defer ctx.mu.Unlock()
	if len(ctx.funcs) != 0 {
		t.Error("its function is still registered")
	}
	head.release()
}

// TestNoMethodOfAContextIsCalledUnderTheMutex: a context may be the user's, and
// look at the adapter.
func TestNoMethodOfAContextIsCalledUnderTheMutex(t *testing.T) {
	a := newAdapter(t)
	ctx := newHooked()
	ctx.ask = func() { a.Stats() }
	c := ask(ctx, t, a)
	ctx.end()
	await(t, c.ctx.Done())
	c.result(errTest)
	wantErr(t, c.outcome, errTest)
}

// fickle is a context whose Done returns another channel each time, against the
// rules.
type fickle struct {
	context.Context
	end context.CancelFunc
}

func (f fickle) Done() <-chan struct{} {
	ch := make(chan struct{})
	context.AfterFunc(f.Context, func() { close(ch) })
	return ch
}

func TestAContextWithManyDoneChannelsIsForgottenAsWell(t *testing.T) {
	a := newAdapter(t, WithSlots(1))
	defer block(t, a).release()
	ctx, end := context.WithCancel(bg)
	c := never(fickle{ctx, end}, t, a)
	end()
	wantErr(t, c.outcome, context.Canceled)
	if n := watches(a); n != 0 {
		t.Errorf("%d contexts are watched after the end of the only one", n)
	}
}

func TestAForeignContextCostsOneGoroutineUntilItIsForgotten(t *testing.T) {
	a := newAdapter(t, WithSlots(1))
	head := block(t, a)
	before := runtime.NumGoroutine()
	ctx := sluggish{bg, make(chan struct{})}
	var calls []*asked
	for range 50 {
		calls = append(calls, never(ctx, t, a))
	}
	if n := runtime.NumGoroutine(); n > before+1 {
		t.Errorf("%d goroutines watch one context", n-before)
	}
	close(ctx.done)
	for _, c := range calls {
		wantErr(t, c.outcome, errTest)
	}
	eventually(t, "the goroutine ended", func() bool { return runtime.NumGoroutine() <= before })
	head.release()
}

// TestWatchesUnderContention: contexts that end, calls that come and go.
func TestWatchesUnderContention(t *testing.T) {
	a := newAdapter(t, WithSlots(4))
	var callbacks atomic.Int64
	var starters sync.WaitGroup
	const each, rounds = 20, 100
	for range 4 {
		starters.Go(func() {
			for range rounds {
				ctx, cancel := context.WithCancel(bg)
				for i := range each {
					Go(ctx, a, func(context.Context) (int, error) { return 1, nil }, func(int, error) { callbacks.Add(1) })
					if i == each/2 {
						go cancel()
					}
				}
				defer cancel()
			}
		})
	}
	starters.Wait()
	eventually(t, "all called back", func() bool { return callbacks.Load() == 4*each*rounds })
	eventually(t, "all bodies returned", func() bool { s := a.Stats(); return s.Running+s.Waiting == 0 })
	eventually(t, "no ended context is watched", func() bool { return watches(a) == 0 })
}
