package adapter

import (
	"context"
	"errors"
	"testing"
	"time"
)

var policies = []CancelPolicy{Close, Abandon, Kill}

// victim is a call that is about to be cancelled, and how.
type victim struct {
	ctx  context.Context
	a    *Adapter // that starts it
	opts []CallOption
	end  func(*Call)
}

// endings are the ways in which a call is cancelled.
var endings = map[string]struct {
	cause error
	plan  func(*testing.T, *Adapter) victim
}{
	"Cancel": {context.Canceled, func(t *testing.T, a *Adapter) victim {
		return victim{bg, a, nil, func(c *Call) {
			if !c.Cancel() || c.Cancel() {
				t.Error("want the first Cancel true and the second false")
			}
		}}
	}},
	"the end of its context": {context.Canceled, func(t *testing.T, a *Adapter) victim {
		ctx, cancel := context.WithCancel(bg)
		return victim{ctx, a, nil, func(*Call) { cancel() }}
	}},
	"its timeout": {context.DeadlineExceeded, func(t *testing.T, a *Adapter) victim {
		return victim{bg, a, []CallOption{Timeout(time.Hour)}, func(c *Call) { expire(t, c) }}
	}},
	"the end of its executor's context": {context.Canceled, func(t *testing.T, a *Adapter) victim {
		m := newFrontend(t, a)
		return victim{bg, a.On(m), nil, func(*Call) { m.end() }}
	}},
	"Close out of patience": {ErrClosed, func(t *testing.T, a *Adapter) victim {
		return victim{bg, a, nil, func(*Call) { abortAll(t, a) }}
	}},
}

// eachEnding runs f for all policies and ways to be cancelled.
func eachEnding(t *testing.T, f func(t *testing.T, p CancelPolicy, cause error, a *Adapter, v victim)) {
	for name, ending := range endings {
		for _, p := range policies {
			t.Run(p.String()+"/"+name, func(t *testing.T) {
				a := newAdapter(t, WithSlots(1), WithAbandoned(1))
				v := ending.plan(t, a)
				v.opts = append(v.opts, CancelWith(p))
				f(t, p, ending.cause, a, v)
			})
		}
	}
}

func TestACallThatWaitsInTheQueueEndsAtOnceWhateverItsPolicy(t *testing.T) {
	eachEnding(t, func(t *testing.T, p CancelPolicy, cause error, a *Adapter, v victim) {
		head := block(t, a)
		endsAtOnce(t, cause, never(v.ctx, t, v.a, v.opts...), v, head)
	})
}

func TestACallThatWaitsInALaneEndsAtOnceWhateverItsPolicy(t *testing.T) {
	eachEnding(t, func(t *testing.T, p CancelPolicy, cause error, a *Adapter, v victim) {
		var lane Lane
		head := block(t, a, Held(), In(&lane))
		endsAtOnce(t, cause, never(v.ctx, t, v.a, append(v.opts, In(&lane))...), v, head)
	})
}

func endsAtOnce(t *testing.T, cause error, c *asked, v victim, head *blocked) {
	v.end(c.Call)
	if o := await(t, c.outcome); o.err != cause {
		t.Errorf("callback got %v, want %v itself", o.err, cause)
	}
	if c.State() != Ended {
		t.Errorf("the call is %v", c.State())
	}
	s := c.a.Stats()
	if s.Waiting != 0 || s.Running != 1 {
		t.Errorf("%+v, want only the body before it", s)
	}
	head.release()
	await(t, head.outcome)
	c.wantOnce(t)
}

func TestARunningCallIsCancelledByItsPolicy(t *testing.T) {
	eachEnding(t, func(t *testing.T, p CancelPolicy, cause error, a *Adapter, v victim) {
		c := ask(v.ctx, t, v.a, v.opts...)
		if err := c.ctx.Err(); err != nil || isDone(c.ctx.Done()) {
			t.Errorf("before it is cancelled the body's context says %v", err)
		}
		v.end(c.Call)
		atOnce := p == Abandon || cause == ErrClosed
		if atOnce {
			if o := await(t, c.outcome); o.err != cause {
				t.Errorf("callback got %v, want %v itself", o.err, cause)
			}
			if c.State() != Ended {
				t.Errorf("the call is %v, want it ended", c.State())
			}
		}
		switch p {
		case Abandon:
			if c.ctx.Err() != nil || c.ctx.Done() != nil {
				t.Errorf("the context of a body that can only be abandoned says %v, or has a Done", c.ctx.Err())
			}
		default:
			await(t, c.ctx.Done())
			if err := c.ctx.Err(); err != contextError(cause) {
				t.Errorf("the body's context says %v, want %v", err, contextError(cause))
			}
		}
		if !atOnce {
			on(t, a, func() {})
			if c.State() != Stopping || len(c.outcome) > 0 {
				t.Errorf("the call is %v and called back %d times while its body runs", c.State(), len(c.outcome))
			}
		}
		if s := a.Stats(); s.Running != 1 || s.Slots != 1 || s.Cancelled != 1 || (s.Abandoned == 1) != atOnce {
			t.Errorf("%+v while its body runs, want its slot taken", s)
		}
		c.result(errTest)
		if !atOnce {
			if o := await(t, c.outcome); !errors.Is(o.err, cause) || !errors.Is(o.err, errTest) {
				t.Errorf("callback got %v, want %v and the body's error", o.err, cause)
			}
		}
		c.wantOnce(t)
		if s := a.Stats(); s.Slots != 0 || s.Cancelled != 1 || s.Abandoned != 0 {
			t.Errorf("%+v after its body returned", s)
		}
	})
}

func TestTheErrorSaysTheCauseOnlyOnce(t *testing.T) {
	a := newAdapter(t)
	c := ask(bg, t, a)
	c.Cancel()
	await(t, c.ctx.Done())
	err := errors.Join(errTest, context.Canceled) // as drivers report what they were told
	c.result(err)
	if o := await(t, c.outcome); o.err.Error() != err.Error() {
		t.Errorf("callback got %q, want the body's own error, which tells the cause", o.err)
	}
}

func TestTheFirstCauseCounts(t *testing.T) {
	a := newAdapter(t)
	ctx, cancel := context.WithCancel(bg)
	c := ask(ctx, t, a, Timeout(time.Hour))
	expire(t, c.Call)
	await(t, c.ctx.Done())
	cancel()
	if c.Cancel() {
		t.Error("it could be cancelled again")
	}
	c.result(errTest)
	if o := await(t, c.outcome); !errors.Is(o.err, context.DeadlineExceeded) || errors.Is(o.err, context.Canceled) {
		t.Errorf("callback got %v, want the timeout only", o.err)
	}
}

func TestABackendHasAPolicyThatItsChildrenAndCallsMayChange(t *testing.T) {
	for _, p := range policies {
		second, third := (p+1)%3, (p+2)%3
		a := newAdapter(t, WithCancel(p))
		child := a.Backend("child").Backend("grandchild")
		actsBy(t, p, ask(bg, t, child))
		actsBy(t, second, ask(bg, t, a.Backend("other", WithCancel(second))))
		actsBy(t, third, ask(bg, t, child, CancelWith(third)))
		actsBy(t, third, ask(bg, t, child, CancelWith(second), CancelWith(third)))
	}
}

// actsBy wants c to be cancelled by the policy p.
func actsBy(t *testing.T, p CancelPolicy, c *asked) {
	t.Helper()
	killed := false
	Killable(c.ctx, func(context.Context) error { killed = true; return nil })
	c.Cancel()
	if p == Abandon {
		wantErr(t, c.outcome, context.Canceled)
	}
	if p == Close {
		await(t, c.ctx.Done())
	}
	c.result(nil) // and so waits for the killing
	if p != Abandon {
		wantValue(t, c.outcome, "asked")
	}
	c.wantOnce(t)
	if killed != (p == Kill) {
		t.Errorf("with policy %v it was killed: %v", p, killed)
	}
}

func TestAResultComesDespiteTheCancellationUnlessItHoldsSomething(t *testing.T) {
	for _, p := range []CancelPolicy{Close, Kill} {
		a := newAdapter(t, WithCancel(p))
		plain := ask(bg, t, a)
		plain.Cancel()
		await(t, plain.ctx.Done())
		plain.result(nil)
		wantValue(t, plain.outcome, "asked")

		dropped := make(chan any, 2)
		holding := ask(bg, t, a, OnDrop(func(v any) { dropped <- v }))
		holding.Cancel()
		await(t, holding.ctx.Done())
		holding.result(nil)
		if o := await(t, holding.outcome); o.err != context.Canceled || o.value != "" {
			t.Errorf("callback got %v, want the cause alone", o)
		}
		if v := await(t, dropped); v != "asked" {
			t.Errorf("dropped %v", v)
		}
		failed := ask(bg, t, a, OnDrop(func(v any) { dropped <- v }))
		failed.Cancel()
		failed.result(errTest)
		wantErr(t, failed.outcome, errTest)
		failed.wantOnce(t)
		if len(dropped) > 0 {
			t.Error("dropped the result of a body that failed, or one twice")
		}
	}
}

func TestAPolicyThatIsNotThereIsMisuse(t *testing.T) {
	if s := CancelPolicy(7).String(); s != "CancelPolicy(7)" {
		t.Errorf("its name is %q", s)
	}
	mustPanic(t, "CancelWith(7)", func() { CancelWith(7) })
	mustPanic(t, "WithCancel(7)", func() { WithCancel(7) })
	mustPanic(t, "WithGrace(0)", func() { WithGrace(0) })
	mustPanic(t, "WithAbandoned(-1)", func() { WithAbandoned(-1) })
	mustPanic(t, "WithTimeout(0)", func() { WithTimeout(0) })
	mustPanic(t, "Timeout(-1)", func() { Timeout(-1) })
}
