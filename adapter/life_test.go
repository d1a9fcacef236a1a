package adapter

import (
	"context"
	"errors"
	"testing"
)

func TestCallsEndWithTheirExecutor(t *testing.T) {
	for _, p := range policies {
		t.Run(p.String(), func(t *testing.T) {
			a := newAdapter(t, WithSlots(1), WithCancel(p))
			m := newFrontend(t, a)
			running := ask(bg, t, a.On(m))
			other := willRun(t, a) // of another executor
			queued, held := never(bg, t, a.On(m)), ask(bg, t, a.On(m), Held())
			child := ask(bg, t, a.On(m).Backend("child"))
			m.end()
			for _, c := range []*asked{running, held, child} {
				if p == Abandon {
					wantErr(t, c.outcome, context.Canceled)
					c.result(errTest)
					continue
				}
				await(t, c.ctx.Done())
				c.result(errTest)
				wantErr(t, c.outcome, context.Canceled)
			}
			wantErr(t, queued.outcome, context.Canceled)
			wantValue(t, other, "quick")
			for _, c := range []*asked{running, held, child, queued} {
				c.wantOnce(t)
			}
		})
	}
}

// willRun starts a call that waits, and will run.
func willRun(t *testing.T, a *Adapter) chan outcome[string] {
	t.Helper()
	c, got := quick(a)
	if s := c.State(); s != Waiting {
		t.Errorf("the call is %v", s)
	}
	return got
}

func TestWhatReleasesDoesNotEndWithTheExecutor(t *testing.T) {
	a := newAdapter(t)
	m := newFrontend(t, a)
	running := ask(bg, t, a.On(m), Releasing())
	m.end()
	_, later := quick(a.On(m), Releasing())
	wantValue(t, later, "quick")
	if n := watches(a); n != 0 || running.ctx.Err() != nil {
		t.Errorf("%d contexts are watched, and it ended with %v", n, running.ctx.Err())
	}
	running.result(nil)
	wantValue(t, running.outcome, "asked")
}

func TestNothingBeginsOnAnExecutorThatHasEnded(t *testing.T) {
	a := newAdapter(t)
	m := newFrontend(t, a)
	m.end()
	for range 200 {
		cb, got := into[int]()
		Go(bg, a.On(m), func(context.Context) (int, error) { t.Error("the body ran"); return 0, nil }, cb)
		wantErr(t, got, context.Canceled)
	}
	eventually(t, "all calls are over", func() bool { s := a.Stats(); return s.Running == 0 })
	if s := a.Stats(); s.Cancelled != 200 {
		t.Errorf("%d calls were cancelled, want 200", s.Cancelled)
	}
}

func TestEveryCallOfAnEndedContextCountsAsCancelled(t *testing.T) {
	for _, p := range policies {
		a := newAdapter(t, WithCancel(p))
		ctx, cancel := context.WithCancel(bg)
		cancel()
		for range 200 {
			cb, got := into[int]()
			Go(ctx, a, func(context.Context) (int, error) { t.Error("the body ran"); return 0, nil }, cb)
			wantErr(t, got, context.Canceled)
		}
		eventually(t, "all calls are over", func() bool { s := a.Stats(); return s.Running == 0 })
		if s := a.Stats(); s.Cancelled != 200 || s.Abandoned != 0 {
			t.Errorf("with policy %v: %+v, want 200 cancelled", p, s)
		}
	}
}

func TestAStreamEndsWithItsExecutor(t *testing.T) {
	a := newAdapter(t)
	m := newFrontend(t, a)
	fetching := make(chan struct{})
	stopped := make(chan struct{})
	s := NewStream(a.On(m), nil, func(ctx context.Context) ([]int, error) {
		close(fetching)
		<-ctx.Done()
		return nil, ctx.Err()
	}, func() error { close(stopped); return nil })
	cb, got := into[struct{}]()
	s.Each(bg, func(int) error { return nil }, func(err error) { cb(struct{}{}, err) })
	await(t, fetching)
	m.end()
	wantErr(t, got, context.Canceled)
	await(t, stopped)
}

func TestAStreamBetweenFetchesEndsWithItsExecutor(t *testing.T) {
	a := newAdapter(t)
	m := newFrontend(t, a)
	src := &source{batches: 5}
	s := src.stream(a.On(m))
	if _, err := nextOf(s); err != nil {
		t.Error(err)
	}
	m.end()
	if _, err := nextOf(s); !errors.Is(err, context.Canceled) {
		t.Errorf("Next = %v", err)
	}
	if err := WaitErr(func(cb func(error)) { s.Close(cb) }); err != nil { // although it has ended
		t.Errorf("Close = %v", err)
	}
	src.wantStopped(t)
}

func TestAnExecutorWithoutAContextEndsNothing(t *testing.T) {
	a := newAdapter(t)
	m := newFrontend(t, a)
	c := ask(bg, t, a.On(m).On(a.Loop()))
	m.end()
	if n := watches(a); n != 0 {
		t.Errorf("%d contexts are watched", n)
	}
	c.result(nil)
	wantValue(t, c.outcome, "asked")
}
