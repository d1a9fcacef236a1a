package adapter

import (
	"context"
	"testing"
	"time"
)

func TestTheOldestAbandonedBodyIsStoppedWhenThereAreTooMany(t *testing.T) {
	const most, many = 2, 9
	a := newAdapter(t, WithSlots(many), WithCancel(Abandon), WithAbandoned(most))
	var calls []*asked
	for i := range many {
		c := ask(bg, t, a, Timeout(time.Hour))
		calls = append(calls, c)
		if i == 0 {
			expire(t, c.Call) // its own cause, not that of the one that makes it stop
			wantErr(t, c.outcome, context.DeadlineExceeded)
		} else {
			c.Cancel()
			wantErr(t, c.outcome, context.Canceled)
		}
		for j, other := range calls {
			if stopped := j+most < len(calls); stopped {
				await(t, other.ctx.Done())
			} else if other.ctx.Err() != nil {
				t.Errorf("body %d of %d was stopped", j, len(calls))
			}
		}
	}
	if err := calls[0].ctx.Err(); err != context.DeadlineExceeded {
		t.Errorf("the first body's context says %v, want why it was abandoned", err)
	}
	if s := a.Stats(); s.Running != many || s.Slots != many || s.Abandoned != many {
		t.Errorf("%+v, want all to keep their slots", s)
	}
	for _, c := range calls {
		c.result(errTest)
		c.wantReturned(t)
	}
	if s := a.Stats(); s.Running != 0 || s.Slots != 0 || s.Abandoned != 0 {
		t.Errorf("%+v, want all gone", s)
	}
	next := ask(bg, t, a) // there is room again
	next.Cancel()
	wantErr(t, next.outcome, context.Canceled)
	if next.ctx.Err() != nil {
		t.Error("it was stopped although it is the only one")
	}
}

// wantReturned waits until the body's slot is free.
func (s *asked) wantReturned(t *testing.T) {
	t.Helper()
	eventually(t, "the body returned", func() bool {
		s.a.b.mu.Lock()
		defer s.a.b.mu.Unlock()
		return s.in == nil
	})
}

func TestByDefaultHalfTheSlotsMayBeAbandoned(t *testing.T) {
	a := newAdapter(t, WithSlots(4), WithCancel(Abandon), WithAbandoned(3))
	for want, b := range map[int]*Adapter{3: a, 5: a.Backend("child", WithSlots(10)), 0: a.Backend("one", WithSlots(1))} {
		if n := b.b.settings.abandoned; n != want {
			t.Errorf("%d may be abandoned, want %d", n, want)
		}
	}
}

func TestCloseOutOfPatienceStopsAbandonedBodies(t *testing.T) {
	a := newAdapter(t, WithCancel(Abandon), WithAbandoned(8))
	var lane Lane
	c := ask(bg, t, a, In(&lane))
	behind := never(bg, t, a, In(&lane))
	c.Cancel()
	wantErr(t, c.outcome, context.Canceled)
	running := ask(bg, t, a)
	abortAll(t, a)
	wantErr(t, behind.outcome, ErrClosed)
	wantErr(t, running.outcome, ErrClosed)
	await(t, c.ctx.Done())
	await(t, running.ctx.Done())
	if s := a.Stats(); s.Running != 2 || s.Abandoned != 2 || s.Waiting != 0 || s.Cancelled != 3 {
		t.Errorf("%+v, want 2 bodies whose calls have ended", s)
	}
	for _, info := range a.Calls(1) {
		if !info.Abandoned || info.State != Ended {
			t.Errorf("%+v, want it ended and abandoned", info)
		}
	}
	c.result(nil)
	running.result(nil)
	c.wantOnce(t)
	running.wantOnce(t)
	if s := a.Stats(); s.Abandoned != 0 {
		t.Errorf("%+v, want none", s)
	}
}

func TestAnAbandonedResultIsDropped(t *testing.T) {
	a := newAdapter(t, WithCancel(Abandon))
	dropped := make(chan any, 2)
	drop := OnDrop(func(v any) { dropped <- v })
	c, failed := ask(bg, t, a, drop), ask(bg, t, a, drop)
	for _, c := range []*asked{failed, c} {
		c.Cancel()
		wantErr(t, c.outcome, context.Canceled)
	}
	failed.result(errTest)
	failed.wantReturned(t)
	c.result(nil)
	if v := await(t, dropped); v != "asked" {
		t.Errorf("dropped %v", v)
	}
	c.wantOnce(t)
	if len(dropped) > 0 {
		t.Error("dropped the result of a body that failed")
	}
}
