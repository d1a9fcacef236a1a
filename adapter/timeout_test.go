package adapter

import (
	"context"
	"errors"
	"testing"
	"time"
)

func TestATimeoutIsTheCallsOwnOrTheBackends(t *testing.T) {
	for _, test := range []struct {
		name    string
		backend []Option
		opts    []CallOption
		has     bool
	}{
		{"none", nil, nil, false},
		{"the call's", nil, []CallOption{Timeout(time.Hour)}, true},
		{"the backend's", []Option{WithTimeout(time.Hour)}, nil, true},
		{"the backend's, turned off", []Option{WithTimeout(time.Hour)}, []CallOption{Timeout(0)}, false},
		{"turned off and on again", nil, []CallOption{Timeout(0), Timeout(time.Hour)}, true},
		{"not for held calls", []Option{WithTimeout(time.Hour)}, []CallOption{Held()}, false},
		{"not for those that release", []Option{WithTimeout(time.Hour)}, []CallOption{Releasing()}, false},
		{"not for long calls", []Option{WithTimeout(time.Hour)}, []CallOption{Long()}, false},
		{"but for held calls that want it", []Option{WithTimeout(time.Hour)}, []CallOption{Held(), Timeout(time.Hour)}, true},
		{"and for long calls that want it", nil, []CallOption{Long(), Timeout(time.Hour)}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			a := newAdapter(t, test.backend...)
			for _, a := range []*Adapter{a, a.Backend("child")} {
				c := ask(bg, t, a, test.opts...)
				_, bounded := c.ctx.Deadline()
				if has := hasTimeout(c.Call); has != test.has || bounded != test.has {
					t.Errorf("there is a timeout: %v, and a deadline: %v; want %v", has, bounded, test.has)
				}
				c.result(nil)
				wantValue(t, c.outcome, "asked")
			}
		})
	}
}

func TestATimeoutPassesByItself(t *testing.T) {
	a := newAdapter(t, WithSlots(1), WithTimeout(time.Millisecond))
	head := block(t, a, Timeout(0))
	_, waits := quick(a)
	wantErr(t, waits, context.DeadlineExceeded) // in the queue, too
	head.release()
	await(t, head.outcome)
	cb, runs := into[int]()
	Go(bg, a, func(ctx context.Context) (int, error) {
		<-ctx.Done()
		return 0, errTest
	}, cb)
	if o := await(t, runs); !errors.Is(o.err, context.DeadlineExceeded) {
		t.Errorf("callback got %v, want the timeout", o.err)
	}
}

func TestATimeoutThatHasPassedStopsTheCallBeforeItsBody(t *testing.T) {
	a := newAdapter(t, WithSlots(1))
	head := block(t, a)
	cb, got := into[int]()
	Go(bg, a, func(context.Context) (int, error) { t.Error("the body ran"); return 0, nil }, cb, Timeout(1)) // 1 ns
	wantErr(t, got, context.DeadlineExceeded)
	head.release()
	await(t, head.outcome)
}

func TestATimeoutEndsWithItsCall(t *testing.T) {
	a := newAdapter(t, WithSlots(1), WithGrace(time.Hour))
	c := ask(bg, t, a, Timeout(time.Hour))
	waits := never(bg, t, a, Timeout(time.Hour))
	waits.Cancel()
	wantErr(t, waits.outcome, context.Canceled)
	c.Cancel()
	await(t, c.ctx.Done())
	c.result(errTest)
	wantErr(t, c.outcome, context.Canceled)
	c.wantOnce(t)
	a.b.mu.Lock()
	defer a.b.mu.Unlock()
	for _, r := range []*rare{c.rare.Load(), waits.rare.Load()} {
		if r.timer.Stop() || r.grace != nil && r.grace.Stop() {
			t.Error("a timer of a call that is over keeps it")
		}
	}
}

func TestARefusedCallHasNoTimer(t *testing.T) {
	a := newAdapter(t, WithSlots(1), WithQueue(0), WithTimeout(time.Hour))
	defer block(t, a).release()
	c, got := quick(a)
	wantErr(t, got, ErrOverloaded)
	if hasTimeout(c) {
		t.Error("it has one")
	}
}
