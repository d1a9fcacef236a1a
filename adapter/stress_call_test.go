package adapter

import (
	"context"
	"errors"
	"math/rand/v2"
	"runtime"
	"sync/atomic"
	"time"
)

// tracked is a call and what became of it.
type tracked struct {
	*Call
	held              bool // there is an OnDrop
	bodies, callbacks atomic.Int32
	released          atomic.Int32 // values given up: drops, and callbacks without an error
	succeeded         atomic.Bool
	cancelled         atomic.Bool     // by Cancel
	ctx               context.Context // the body's
	err               error           // what the callback got
	ctxErr            error           // of ctx, when a result was delivered
	kills             atomic.Int32
	gaveUp            atomic.Bool // what could be killed
}

// tally is a window and how far its callbacks have come.
type tally struct {
	window Window
	begun  int          // on the starter's goroutine
	came   atomic.Int64 // on the executor
}

// fates counts what became of calls, to show that the round was worth it.
type fates map[string]int

// one starts a call of a random kind with a random fate.
func (s *stress) one(r *rand.Rand, windows *[2]tally) {
	a, onSecond := s.a, r.IntN(2)
	c := &tracked{held: r.IntN(4) > 0}
	ctx, cancel := context.WithCancel(bg)
	switch r.IntN(8) {
	case 0, 1:
		ctx, cancel = context.WithTimeout(bg, time.Duration(r.IntN(300))*time.Microsecond)
	case 2:
		cancel()
		ctx, cancel = s.mortals[onSecond].ctx, func() {} // shared by many
	}
	switch m := s.mortals[2*r.IntN(2)+onSecond]; {
	case r.IntN(3) == 0:
		a = a.On(m)
	case onSecond == 1:
		a = a.On(s.second)
	}
	opts, counters, limits := s.kind(r)
	if c.held {
		opts = append(opts, OnDrop(func(any) { c.released.Add(1) }))
	}
	var window *tally
	place := 0
	if r.IntN(4) == 0 {
		window = &windows[onSecond]
		window.begun++
		place = window.begun
		opts = append(opts, Ordered(&window.window))
	}
	yields, end, patient := r.IntN(20), r.IntN(16), r.IntN(3) == 0
	body := func(ctx context.Context) (int, error) {
		c.bodies.Add(1)
		c.ctx = ctx
		for i, n := range counters {
			if got := int(n.Add(1)); got > limits[i] {
				s.errorf("%d bodies at once, the limit is %d", got, limits[i])
			}
			defer n.Add(-1)
		}
		if end%2 == 0 {
			release := Killable(ctx, func(context.Context) error { return c.kill(s, end) })
			defer func() { release(); c.gaveUp.Store(true) }()
		}
		child, cancel := context.WithCancel(ctx)
		defer cancel()
		for range yields {
			runtime.Gosched()
			if child.Err() != nil && end != 5 { // end 5 ignores its context
				return 0, ctx.Err()
			}
		}
		if patient {
			select {
			case <-child.Done():
			case <-s.over:
			}
		}
		switch end {
		case 0:
			panic("stress")
		case 1:
			runtime.Goexit()
		case 2:
			return 0, errTest
		}
		c.succeeded.Store(true)
		return 1, nil
	}
	cb := func(_ int, err error) {
		if c.err = err; c.callbacks.Add(1) == 1 && err == nil {
			c.released.Add(1)
			c.ctxErr = c.ctx.Err()
		}
		if window != nil {
			if last := window.came.Swap(int64(place)); last >= int64(place) {
				s.errorf("callback %d of a window came after %d", place, last)
			}
		}
		switch end {
		case 3:
			panic("stress")
		case 4:
			runtime.Goexit()
		}
	}
	s.started.Add(1)
	if r.IntN(3) == 0 {
		var err error
		if c.Call, err = TryGo(ctx, a, body, cb, opts...); err != nil {
			s.refused.Add(1)
			cancel()
			return // cb must not come; nor is it counted
		}
	} else {
		c.Call = Go(ctx, a, body, cb, opts...)
	}
	s.mu.Lock()
	s.calls = append(s.calls, c)
	other := s.calls[r.IntN(len(s.calls))] // may be another goroutine's
	s.mu.Unlock()
	switch r.IntN(6) {
	case 0:
		c.tryCancel()
	case 1:
		go other.tryCancel()
	case 2:
		cancel()
		return
	}
	go func() { <-c.Done(); cancel() }()
}

// kind returns random options, and what bounds how many such bodies run.
func (s *stress) kind(r *rand.Rand) (opts []CallOption, counters []*atomic.Int32, limits []int) {
	if r.IntN(3) == 0 {
		lane := &s.lanes[r.IntN(len(s.lanes))]
		opts = append(opts, In(&lane.Lane))
		counters, limits = append(counters, &lane.inside), append(limits, 1)
	}
	switch r.IntN(8) {
	case 0, 1:
		opts = append(opts, Held())
	case 2:
		opts = append(opts, Releasing())
	case 3:
		opts = append(opts, Long())
		counters, limits = append(counters, &s.insideLong), append(limits, s.long)
	default:
		counters, limits = append(counters, &s.inside), append(limits, s.slots)
	}
	if r.IntN(2) == 0 {
		opts = append(opts, CancelWith(policies[r.IntN(3)]))
	}
	if r.IntN(4) == 0 {
		opts = append(opts, Timeout(time.Duration(r.IntN(500))*time.Microsecond))
	}
	return opts, counters, limits
}

func (c *tracked) tryCancel() {
	if c.Cancel() {
		c.cancelled.Store(true)
	}
}

// kill is what stops the server for c: it may fail, and must not go on when the
// body has released it.
func (c *tracked) kill(s *stress, end int) error {
	c.kills.Add(1)
	yield(end)
	if c.gaveUp.Load() {
		s.errorf("a kill was under way after its release")
	}
	switch end {
	case 6:
		return errTest
	case 8:
		panic("stress")
	case 10:
		runtime.Goexit()
	}
	return nil
}

func (s *stress) checkCall(c *tracked, fates fates) {
	if n := c.callbacks.Load(); n > 1 {
		s.errorf("called back %d times", n)
	}
	if n := c.bodies.Load(); n > 1 {
		s.errorf("the body ran %d times", n)
	}
	if n := c.kills.Load(); n > 1 || n == 1 && c.policy != Kill {
		s.errorf("killed %d times with policy %v", n, c.policy)
	}
	if c.State() != Ended {
		s.errorf("a call is %v", c.State())
	}
	called := c.callbacks.Load() == 1
	if c.held { // a window may lose a result on a goroutine of its own
		want := int32(0)
		if c.succeeded.Load() {
			want = 1
		}
		eventually(s.t, "what holds something is given up", func() bool { return c.released.Load() >= want })
		if n := c.released.Load(); n != want {
			s.errorf("the value of a call (succeeded: %v) was given out %d times", want == 1, n)
		}
	}
	switch {
	case !called:
		fates["lost"]++
	case c.err == nil:
		fates["succeeded"]++
		if err := c.ctx.Err(); err != c.ctxErr || c.held && err != nil {
			s.errorf("the body's context said %v when its result was delivered, and %v later", c.ctxErr, err)
		}
		if c.cancelled.Load() {
			fates["succeeded although cancelled"]++
		}
		if c.cancelled.Load() && c.policy == Abandon {
			s.errorf("an abandoned call succeeded")
		}
	case errors.Is(c.err, context.DeadlineExceeded):
		fates["timed out"]++
	case errors.Is(c.err, context.Canceled):
		fates["cancelled"]++
	case errors.Is(c.err, ErrClosed):
		fates["closed"]++
	case errors.Is(c.err, ErrOverloaded):
		fates["refused"]++
	default:
		fates["failed"]++
	}
	if called && c.err != nil && c.cancelled.Load() && !errors.Is(c.err, context.Canceled) && !errors.Is(c.err, ErrClosed) {
		s.errorf("Cancel was true, but the callback got %v", c.err)
	}
	if c.kills.Load() > 0 {
		fates["killed"]++
	}
}
