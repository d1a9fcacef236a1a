package adapter

import (
	"context"
	"errors"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/valet-go/valet/fakesock"
)

// reader is a call whose body reads what never comes, tells how that ended, and
// then runs until it is told to return.
type reader struct {
	*asked
	closed chan error // what the read returned
}

func read(t *testing.T, a *Adapter, opts ...CallOption) *reader {
	t.Helper()
	conn, _ := pipe(t, a.Loop())
	r := &reader{&asked{}, make(chan error, 1)}
	end := make(chan error, 1)
	cb, got := into[string]()
	parked := len(fakesock.Parked(a.Loop()))
	r.Call = Go(bg, a, func(context.Context) (string, error) {
		_, err := conn.Read(make([]byte, 1))
		r.closed <- err
		return "asked", <-end
	}, cb, opts...)
	var once sync.Once
	r.outcome, r.result = got, func(err error) { once.Do(func() { end <- err }) }
	t.Cleanup(func() { r.result(nil); conn.Close() })
	eventually(t, "the read is parked", func() bool { return len(fakesock.Parked(a.Loop())) > parked })
	return r
}

// TestTheOldestAbandonedBodyIsStoppedWhenThereAreTooMany: stopped bodies that go
// on count no more, and so each new one stops one more.
func TestTheOldestAbandonedBodyIsStoppedWhenThereAreTooMany(t *testing.T) {
	const most, many = 2, 9
	a := newAdapter(t, WithSlots(many), WithCancel(Abandon), WithAbandoned(most), WithGrace(time.Hour))
	var calls []*reader
	for i := range many {
		c := read(t, a)
		calls = append(calls, c)
		c.Cancel()
		wantErr(t, c.outcome, context.Canceled)
		if i >= most {
			if err := await(t, calls[i-most].closed); !errors.Is(err, net.ErrClosed) {
				t.Errorf("the read of a body that was stopped returned %v", err)
			}
		}
		on(t, a, func() {})
		if n := len(fakesock.Parked(a.Loop())); n != min(i+1, most) {
			t.Errorf("%d of %d bodies go on, want at most %d", n, i+1, most)
		}
	}
	if s := a.Stats(); s.Running != many || s.Slots != many || s.Abandoned != many {
		t.Errorf("%+v, want all to keep their slots", s)
	}
	for _, c := range calls[:many-most] {
		c.result(errTest)
		c.wantReturned(t)
	}
	if s := a.Stats(); s.Running != most || s.Slots != most || s.Abandoned != most {
		t.Errorf("%+v, want those that were not stopped", s)
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
	a := newAdapter(t, WithCancel(Abandon), WithAbandoned(8), WithGrace(time.Hour))
	var lane Lane
	c := read(t, a, In(&lane))
	behind := never(bg, t, a, In(&lane))
	c.Cancel()
	wantErr(t, c.outcome, context.Canceled)
	running := read(t, a)
	abortAll(t, a)
	wantErr(t, behind.outcome, ErrClosed)
	wantErr(t, running.outcome, ErrClosed)
	for _, r := range []*reader{c, running} {
		if err := await(t, r.closed); !errors.Is(err, net.ErrClosed) {
			t.Errorf("the read of a body that was stopped returned %v", err)
		}
	}
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
