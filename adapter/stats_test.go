package adapter

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"testing"
)

func TestStatsCountWhatIsGoingOn(t *testing.T) {
	a := newAdapter(t).Backend("db", WithSlots(2), WithLongSlots(3), WithQueue(4), WithWatermarks(0, 2), WithAbandoned(5))
	want := Stats{Name: "db", MaxSlots: 2, MaxLongSlots: 3, MaxQueue: 4}
	check := func(what string) {
		t.Helper()
		if s := a.Stats(); s != want {
			t.Errorf("%s: %+v, want %+v", what, s, want)
		}
	}
	check("new")

	var lane Lane
	short, long, held := block(t, a, In(&lane)), block(t, a, Long()), block(t, a, Held())
	abandoned := block(t, a, CancelWith(Abandon))
	want.Running, want.Slots, want.LongSlots, want.Started = 4, 2, 1, 4
	check("running")

	inLane, _ := quick(a, In(&lane))
	waits, _ := quick(a)
	want.Waiting, want.Started, want.Pressure = 2, 6, true
	check("waiting")

	abandoned.Cancel()
	await(t, abandoned.Done())
	want.Abandoned, want.Cancelled = 1, 1
	check("abandoned")

	waits.Cancel()
	inLane.Cancel()
	inLane.Cancel() // does nothing
	want.Waiting, want.Cancelled, want.Pressure = 0, 3, false
	check("cancelled")

	abandoned.release()
	eventually(t, "its body returned", func() bool { return a.Stats().Running == 3 })
	want.Running, want.Abandoned, want.Slots = 3, 0, 1
	check("the abandoned body has returned")

	for _, b := range []*blocked{short, long, held} {
		b.release()
		await(t, b.Done())
	}
	eventually(t, "all bodies returned", func() bool { return a.Stats().Running == 0 })
	want.Running, want.Slots, want.LongSlots = 0, 0, 0
	check("at rest")
}

func TestStatsCountRefusalsOfBothKinds(t *testing.T) {
	a := full(t, startLoop(t))
	_, got := quick(a)
	wantErr(t, got, ErrOverloaded)
	if _, err := TryGo(bg, a, refusal(t), func(int, error) {}); err == nil {
		t.Error("TryGo = nil")
	}
	a.Refuse()
	_, got = quick(a)
	wantErr(t, got, ErrClosed)
	if s := a.Stats(); s.Refused != 3 || s.Started != 1 || s.Cancelled != 0 {
		t.Errorf("%+v", s)
	}
}

func TestStatsCountPanicsOfBodiesOnly(t *testing.T) {
	a := newAdapter(t)
	m := new(Manual)
	for _, end := range []func(){func() { panic("boom") }, runtime.Goexit, func() {}} {
		c := Go(bg, a, func(context.Context) (int, error) { end(); return 0, nil }, func(int, error) {})
		await(t, c.Done())
	}
	c := Go(bg, a.On(m), func(context.Context) (int, error) { return 0, nil }, func(int, error) { panic("boom") })
	if err := m.Wait(bg); err != nil {
		t.Error(err)
	}
	mustPanic(t, "the callback", func() { m.Step() })
	await(t, c.Done())
	if s := a.Stats(); s.Panicked != 1 || s.Started != 4 {
		t.Errorf("%+v", s)
	}
}

func TestAllStatsAreOfAllOpenBackendsByName(t *testing.T) {
	a := newAdapter(t)
	b, c := a.Backend("b"), a.Backend("c")
	a.Backend("a")
	b.Backend("bb")
	names := func() (names []string) {
		for _, s := range a.AllStats() {
			names = append(names, s.Name)
		}
		return names
	}
	if got := names(); !slices.Equal(got, []string{"default", "a", "b", "bb", "c"}) {
		t.Errorf("the stats of %v", got)
	}
	if err := errors.Join(b.Close(bg), c.Close(bg)); err != nil {
		t.Error(err)
	}
	if got := names(); !slices.Equal(got, []string{"default", "a"}) {
		t.Errorf("the stats of %v", got)
	}
}
