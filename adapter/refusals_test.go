package adapter

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/valet-go/valet/loop"
)

// counting is an executor that counts what is in its queue.
type counting struct {
	loop.Executor
	now, most atomic.Int64
}

func (e *counting) Post(fn func()) error {
	n := e.now.Add(1)
	for m := e.most.Load(); n > m && !e.most.CompareAndSwap(m, n); m = e.most.Load() {
	}
	err := e.Executor.Post(func() { e.now.Add(-1); fn() })
	if err != nil {
		e.now.Add(-1)
	}
	return err
}

// full returns an adapter that refuses all calls but held ones.
func full(t *testing.T, l *loop.Loop, opts ...Option) *Adapter {
	t.Helper()
	a := New(l, append([]Option{WithSlots(1), WithQueue(0)}, opts...)...)
	closeAtEnd(t, a)
	block(t, a)
	return a
}

// refusal is a body that must not run.
func refusal(t *testing.T) func(context.Context) (int, error) {
	return func(context.Context) (int, error) { t.Error("the body of a refused call ran"); return 0, nil }
}

// storms are the ways in which calls are refused.
var storms = map[string]func() []CallOption{
	"plain":     func() []CallOption { return nil },
	"in window": func() []CallOption { return []CallOption{Ordered(new(Window))} },
	"long":      func() []CallOption { return []CallOption{Long()} },
}

func TestAStormInOneCallbackTakesOnePlaceInTheQueue(t *testing.T) {
	for name, opts := range storms {
		t.Run(name, func(t *testing.T) {
			const calls = 100_000
			a := full(t, startLoop(t), WithLongSlots(1))
			block(t, a, Long())
			e := &counting{Executor: a.Loop()}
			view, with := a.On(e), opts()
			next, turns := 0, 0 // on the loop
			done := make(chan struct{})
			var others func()
			others = func() {
				if turns++; next < calls {
					e.Post(others)
				} else {
					close(done)
				}
			}
			on(t, a, func() {
				for i := range calls {
					Go(bg, view, refusal(t), func(_ int, err error) {
						if i != next || !errors.Is(err, ErrOverloaded) {
							t.Errorf("callback %d came in place %d with %v", i, next, err)
						}
						next++
					}, with...)
				}
				e.Post(others)
			})
			await(t, done)
			if m := e.most.Load(); m > 2 {
				t.Errorf("the queue held up to %d, want the relay and another", m)
			}
			if turns < calls/relayTurn {
				t.Errorf("others got %d turns in between, want one for each %d", turns, relayTurn)
			}
		})
	}
}

func TestAStormFromManyGoroutinesTakesOnePlaceInTheQueue(t *testing.T) {
	for name, opts := range storms {
		t.Run(name, func(t *testing.T) {
			const starters, each = 4, 25_000
			a := full(t, startLoop(t), WithLongSlots(1))
			block(t, a, Long())
			e := &counting{Executor: a.Loop()}
			view, with := a.On(e), opts()
			came := make([]uint8, starters*each) // on the loop
			left := len(came)
			done := make(chan struct{})
			var all sync.WaitGroup
			for s := range starters {
				all.Go(func() {
					for i := range each {
						Go(bg, view, refusal(t), func(_ int, err error) {
							if came[s*each+i]++; !errors.Is(err, ErrOverloaded) {
								t.Errorf("callback got %v", err)
							}
							if left--; left == 0 {
								close(done)
							}
						}, with...)
					}
				})
			}
			all.Wait()
			await(t, done)
			on(t, a, func() {
				for i, n := range came {
					if n != 1 {
						t.Errorf("call %d called back %d times", i, n)
					}
				}
			})
			// A relay that has found nothing left may end while the next begins.
			if m := e.most.Load(); m > 2 {
				t.Errorf("the queue held up to %d", m)
			}
			if s := a.Stats(); s.Refused != starters*each || s.Undelivered != 0 {
				t.Errorf("%+v", s)
			}
		})
	}
}

func TestAStormOnAnExecutorThatClosesIsDeliveredOrCounted(t *testing.T) {
	for name, opts := range storms {
		t.Run(name, func(t *testing.T) {
			const starters, each = 4, 5_000
			a := full(t, startLoop(t), WithLongSlots(1))
			block(t, a, Long())
			second := startLoop(t)
			view, with := a.On(second), opts()
			came := make([]atomic.Int32, starters*each)
			calls := make([]*Call, starters*each)
			delivered := 0 // on the loop
			var all sync.WaitGroup
			for s := range starters {
				all.Go(func() {
					for i := range each {
						n := s*each + i
						calls[n] = Go(bg, view, refusal(t), func(_ int, err error) {
							if came[n].Add(1); !errors.Is(err, ErrOverloaded) {
								t.Errorf("callback got %v", err)
							}
							if delivered++; delivered == each/2 {
								second.Close()
							}
						}, with...)
					}
				})
			}
			all.Wait()
			lost := 0
			for i, c := range calls {
				await(t, c.Done())
				switch n := came[i].Load(); {
				case n > 1:
					t.Errorf("call %d called back %d times", i, n)
				case n == 0:
					lost++
				}
			}
			if s := a.Stats(); s.Undelivered != uint64(lost) {
				t.Errorf("%d callbacks never came, %d are counted", lost, s.Undelivered)
			}
			t.Logf("%d of %d lost", lost, len(calls))
		})
	}
}

func TestRefusalsBeforeTheExecutorsCloseAreDelivered(t *testing.T) {
	for name, opts := range storms {
		t.Run(name, func(t *testing.T) {
			const calls = 10 * relayTurn
			a := full(t, startLoop(t), WithLongSlots(1))
			block(t, a, Long())
			second := startLoop(t)
			with, n, closing := opts(), 0, make(chan struct{})
			second.Post(func() {
				for range calls {
					Go(bg, a.On(second), refusal(t), func(int, error) { n++ }, with...)
				}
				second.Close()
				close(closing)
			})
			await(t, closing)
			second.Close() // waits
			if s := a.Stats(); n != calls || s.Undelivered != 0 {
				t.Errorf("%d of %d delivered, %d lost", n, calls, s.Undelivered)
			}
		})
	}
}

// TestRetriesDoNotKeepAnExecutorFromClosing: a callback that tries again is
// refused again, for as long as the executor lives.
func TestRetriesDoNotKeepAnExecutorFromClosing(t *testing.T) {
	for name, opts := range storms {
		t.Run(name, func(t *testing.T) {
			a := full(t, startLoop(t), WithLongSlots(1))
			block(t, a, Long())
			second := startLoop(t)
			t.Cleanup(func() { a.b.mu.Lock(); a.b.closing = true; a.b.mu.Unlock() }) // ends the retries of a failed test
			view, with := a.On(second), opts()
			rounds, enough := 0, make(chan struct{})
			var try func()
			try = func() {
				Go(bg, view, refusal(t), func(_ int, err error) {
					if rounds++; rounds == 1000 {
						close(enough)
					}
					if errors.Is(err, ErrOverloaded) {
						try()
					}
				}, with...)
			}
			for range 2 * relayTurn {
				try()
			}
			await(t, enough)
			closed := make(chan error, 1)
			go func() { closed <- second.Close() }()
			if err := await(t, closed); err != nil {
				t.Error(err)
			}
			if n := a.Stats().Undelivered; n != 2*relayTurn {
				t.Errorf("%d undelivered, want one for each that tries again", n)
			}
		})
	}
}

func TestPanicsAndGoexitsInARelayLoseNothing(t *testing.T) {
	for name, opts := range storms {
		t.Run(name, func(t *testing.T) {
			const calls = 2000
			var panics atomic.Int32
			l := startLoop(t, loop.WithPanicHandler(func(any, []byte) { panics.Add(1) }))
			a := full(t, l, WithLongSlots(1))
			block(t, a, Long())
			var order []int
			done := make(chan struct{})
			with := opts()
			on(t, a, func() {
				for i := range calls {
					Go(bg, a, refusal(t), func(int, error) {
						if order = append(order, i); i == calls-1 {
							close(done)
						}
						switch i % 3 {
						case 1:
							panic("test")
						case 2:
							runtime.Goexit()
						}
					}, with...)
				}
			})
			await(t, done)
			on(t, a, func() {
				for i, v := range order {
					if i != v {
						t.Fatalf("callback %d came in place %d", v, i)
					}
				}
				if len(order) != calls || panics.Load() != (calls+1)/3 {
					t.Errorf("%d callbacks and %d panics", len(order), panics.Load())
				}
			})
		})
	}
}

func TestAStormOnAnExecutorThatCannotBeComparedTakesOnePlace(t *testing.T) {
	const calls = 1000
	a := full(t, startLoop(t))
	e := &counting{Executor: a.Loop()}
	view := a.On(elsewhere(e.Post)) // a func
	n, done := 0, make(chan struct{})
	on(t, a, func() {
		for range calls {
			Go(bg, view, refusal(t), func(int, error) {
				if n++; n == calls {
					close(done)
				}
			})
		}
	})
	await(t, done)
	if m := e.most.Load(); m > 2 {
		t.Errorf("the queue held up to %d", m)
	}
}

func TestSlowCallbacksOfARelayLetOthersTakeTurns(t *testing.T) {
	a := full(t, startLoop(t))
	came := make(chan int, 1)
	ran := 0 // on the loop
	on(t, a, func() {
		for range relayTurn {
			Go(bg, a, refusal(t), func(int, error) {
				for start := time.Now(); time.Since(start) < relayBudget; { // busy
				}
				ran++
			})
		}
		a.Loop().Post(func() { came <- ran })
	})
	if n := await(t, came); n > 2*relayCheck {
		t.Errorf("%d slow callbacks ran before another got its turn", n)
	}
}

func TestRefusalsLeaveNothingBehind(t *testing.T) {
	a := full(t, startLoop(t))
	for range 100 {
		m := new(Manual)
		_, got := quick(a.On(m))
		m.Run()
		wantErr(t, got, ErrOverloaded)
	}
	a.b.refusals.mu.Lock()
	defer a.b.refusals.mu.Unlock()
	if n := len(a.b.refusals.of); n != 0 {
		t.Errorf("the refusals of %d executors are kept", n)
	}
}
