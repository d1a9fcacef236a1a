package adapter

import (
	"context"
	"slices"
	"testing"
)

// pressed returns an adapter on a Manual whose only slot is taken, with
// watermarks at 2 and 4, and a function that starts calls which wait.
func pressed(t *testing.T, opts ...Option) (a *Adapter, m *Manual, wait func(n int) []*Call) {
	t.Helper()
	under := newAdapter(t, append([]Option{WithSlots(1), WithQueue(100), WithWatermarks(2, 4)}, opts...)...)
	m = new(Manual)
	a = under.On(m)
	block(t, under)
	return a, m, func(n int) (calls []*Call) {
		for range n {
			c, _ := quick(under)
			calls = append(calls, c)
		}
		return calls
	}
}

func cancelAll(calls []*Call) {
	for _, c := range calls {
		c.Cancel()
	}
}

// reports subscribes, and returns what is reported.
func reports(a *Adapter) (got *[]bool, stop func()) {
	got = new([]bool)
	return got, a.OnPressure(func(high bool) { *got = append(*got, high) })
}

func TestPressureIsReportedAtTheWatermarks(t *testing.T) {
	a, m, wait := pressed(t)
	got, _ := reports(a)
	calls := wait(3)
	if m.Len() != 0 || a.Stats().Pressure {
		t.Error("pressure below the high watermark")
	}
	calls = append(calls, wait(1)...)
	if m.Run(); !slices.Equal(*got, []bool{true}) || !a.Stats().Pressure {
		t.Errorf("reports %v at the high watermark", *got)
	}
	calls = append(calls, wait(3)...)
	cancelAll(calls[3:])
	if m.Len() != 0 {
		t.Error("a report between the watermarks")
	}
	calls[0].Cancel()
	if m.Run(); !slices.Equal(*got, []bool{true, false}) || a.Stats().Pressure {
		t.Errorf("reports %v at the low watermark", *got)
	}
	wait(1)
	if m.Run(); len(*got) != 2 {
		t.Errorf("reports %v between the watermarks", *got)
	}
}

func TestPressureIsNeverReportedInsideTheStartOfACall(t *testing.T) {
	a := newAdapter(t, WithSlots(1), WithWatermarks(0, 1))
	block(t, a)
	got, returned := make(chan bool, 4), false
	a.OnPressure(func(bool) { got <- returned })
	on(t, a, func() {
		quick(a)
		returned = true
	})
	if !await(t, got) {
		t.Error("reported inside the callback that started the call")
	}
}

func TestReportsOfPressureAreCoalesced(t *testing.T) {
	a, m, wait := pressed(t)
	got, _ := reports(a)
	for range 10 {
		cancelAll(wait(10))
	}
	if n := m.Len(); n != 1 {
		t.Errorf("%d reports are posted", n)
	}
	if m.Run(); len(*got) != 0 {
		t.Errorf("reports %v of what has passed", *got)
	}
	calls := wait(10)
	cancelAll(calls)
	calls = wait(10)
	if m.Run(); !slices.Equal(*got, []bool{true}) {
		t.Errorf("reports %v, want the last state only", *got)
	}
	cancelAll(calls)
	if m.Run(); !slices.Equal(*got, []bool{true, false}) {
		t.Errorf("reports %v", *got)
	}
}

func TestASubscriberIsToldOfThePressureThatThereIs(t *testing.T) {
	a, m, wait := pressed(t)
	calls := wait(4)
	got, _ := reports(a)
	if len(*got) != 0 {
		t.Error("told inside OnPressure")
	}
	if m.Run(); !slices.Equal(*got, []bool{true}) {
		t.Errorf("reports %v", *got)
	}
	cancelAll(calls)
	late, _ := reports(a)
	if m.Run(); !slices.Equal(*got, []bool{true, false}) || len(*late) != 0 {
		t.Errorf("reports %v, and %v to a subscriber without pressure", *got, *late)
	}
}

func TestNoReportComesAfterStop(t *testing.T) {
	a, m, wait := pressed(t)
	got, stop := reports(a)
	other, _ := reports(a)
	wait(4)
	stop() // its report is due
	stop()
	if m.Run(); len(*got) != 0 || !slices.Equal(*other, []bool{true}) {
		t.Errorf("reports %v after stop, and %v to another", *got, *other)
	}
	if n := len(a.b.pressure.subs); n != 1 {
		t.Errorf("%d subscribers are kept", n)
	}
}

func TestAReportMayStopItsSubscription(t *testing.T) {
	a, m, wait := pressed(t)
	n := 0
	var stop func()
	stop = a.OnPressure(func(bool) { n++; stop() })
	cancelAll(wait(4))
	calls := wait(4)
	m.Run()
	cancelAll(calls)
	if m.Run(); n != 1 {
		t.Errorf("%d reports", n)
	}
}

func TestASubscriberOnAClosedExecutorIsForgotten(t *testing.T) {
	a, m, wait := pressed(t)
	got, stop := reports(a)
	m.Close()
	wait(4)
	if n := len(a.b.pressure.subs); n != 0 || len(*got) != 0 {
		t.Errorf("%d subscribers are kept, reports %v", n, *got)
	}
	stop()
	reports(a) // there is pressure, and nobody to tell
	if n := len(a.b.pressure.subs); n != 0 {
		t.Errorf("%d subscribers are kept", n)
	}
}

func TestAPanicInAReportLeavesTheNext(t *testing.T) {
	a, m, wait := pressed(t)
	n := 0
	a.OnPressure(func(bool) { n++; panic("test") })
	calls := wait(4)
	mustPanic(t, "the report", func() { m.Run() })
	cancelAll(calls)
	mustPanic(t, "the next", func() { m.Run() })
	if n != 2 {
		t.Errorf("%d reports", n)
	}
}

func TestPressureCountsLanesAndLongCalls(t *testing.T) {
	a, m, wait := pressed(t, WithLongSlots(1))
	got, _ := reports(a)
	var lane Lane
	held := block(t, a.On(a.Loop()), Held(), In(&lane))
	long := block(t, a.On(a.Loop()), Long())
	quick(a, Held(), In(&lane))
	quick(a, In(&lane))
	quick(a, Long())
	wait(1)
	if m.Run(); !slices.Equal(*got, []bool{true}) {
		t.Errorf("reports %v", *got)
	}
	held.release()
	long.release()
	eventually(t, "they run and there is less", func() bool {
		m.Run()
		return !(*got)[len(*got)-1]
	})
}

func TestCloseEndsThePressure(t *testing.T) {
	a, m, wait := pressed(t)
	got, _ := reports(a)
	wait(10)
	m.Run()
	ctx, cancel := context.WithCancel(bg)
	cancel()
	if err := a.Close(ctx); err == nil {
		t.Error("Close = nil")
	}
	if m.Run(); !slices.Equal(*got, []bool{true, false}) {
		t.Errorf("reports %v", *got)
	}
}

// TestAFrontEndThatStopsReadingIsNeverRefused: a producer on the loop stops at
// the high watermark and resumes at the low one.
func TestAFrontEndThatStopsReadingIsNeverRefused(t *testing.T) {
	const requests, turn = 5000, 16
	a := newAdapter(t, WithSlots(2), WithQueue(200), WithWatermarks(20, 100))
	asked, answered, pauses, paused := 0, 0, 0, false // on the loop
	done := make(chan struct{})
	var read func() // what came on a connection
	read = func() {
		for range turn {
			if asked++; asked > requests {
				return
			}
			Go(bg, a, func(context.Context) (int, error) { return 0, nil }, func(_ int, err error) {
				if err != nil {
					t.Errorf("a request failed with %v", err)
				}
				if answered++; answered == requests {
					close(done)
				}
			})
		}
		if !paused {
			a.Loop().Post(read)
		}
	}
	on(t, a, func() {
		a.OnPressure(func(high bool) {
			if paused = high; high {
				pauses++
			} else {
				read()
			}
		})
		read()
	})
	await(t, done)
	on(t, a, func() { t.Logf("paused %d times", pauses) })
	if s := a.Stats(); s.Refused != 0 {
		t.Errorf("%+v", s)
	}
}
