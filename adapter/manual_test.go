package adapter

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"sync"
	"testing"

	"github.com/valet-go/valet/internal/owner"
	"github.com/valet-go/valet/loop"
)

func TestManualRunsCallbacksWhenItIsTold(t *testing.T) {
	a, m := newAdapter(t), new(Manual)
	var order []string
	for i, s := range []string{"one", "two"} {
		Go(bg, a.On(m), func(context.Context) (string, error) { return s, nil },
			func(v string, err error) { order = append(order, v) })
		eventually(t, "it is due", func() bool { return m.Len() == i+1 })
	}
	if len(order) != 0 {
		t.Error("a callback ran by itself")
	}
	if !m.Step() || !slices.Equal(order, []string{"one"}) || m.Len() != 1 {
		t.Errorf("after a step %q ran", order)
	}
	if !m.Step() || m.Step() || !slices.Equal(order, []string{"one", "two"}) || m.Len() != 0 {
		t.Errorf("after all steps %q ran", order)
	}
}

func TestManualRunsWhatBecomesDueMeanwhile(t *testing.T) {
	m := new(Manual)
	n := 0
	var again func()
	again = func() {
		if n++; n < 10 {
			m.Post(again)
		}
	}
	m.Post(again)
	if got := m.Run(); got != 10 || n != 10 {
		t.Errorf("Run = %d, and %d ran", got, n)
	}
	if got := m.Run(); got != 0 {
		t.Errorf("Run = %d with nothing due", got)
	}
}

func TestWhatWouldBlockFailsInAStep(t *testing.T) {
	a, m := newAdapter(t), new(Manual)
	ran := false
	m.Post(func() {
		ran = true
		if _, err := Wait(func(func(int, error)) { t.Error("started") }); !errors.Is(err, loop.ErrWouldBlockLoop) {
			t.Errorf("Wait = %v", err)
		}
		if err := a.Close(bg); !errors.Is(err, loop.ErrWouldBlockLoop) {
			t.Errorf("Close = %v", err)
		}
		if err := m.Wait(bg); !errors.Is(err, loop.ErrWouldBlockLoop) {
			t.Errorf("Manual.Wait = %v", err)
		}
	})
	m.Run()
	if !ran || owner.Here() {
		t.Error("the goroutine counts as a loop's after the step")
	}
	on(t, a, func() {
		if err := m.Wait(bg); !errors.Is(err, loop.ErrWouldBlockLoop) {
			t.Errorf("Manual.Wait = %v on a loop", err)
		}
	})
}

func TestAPanicInAStepReachesTheCaller(t *testing.T) {
	m := new(Manual)
	n := 0
	m.Post(func() { panic("test") })
	m.Post(func() { n++ })
	mustPanic(t, "the step", func() { m.Run() })
	if owner.Here() {
		t.Error("the goroutine counts as a loop's after the panic")
	}
	if m.Run() != 1 || n != 1 {
		t.Error("what was due behind a panic did not run")
	}
	mustPanic(t, "Post(nil)", func() { _ = m.Post(nil) })
}

func TestAGoexitInAStepEndsTheCallersGoroutineOnly(t *testing.T) {
	m := new(Manual)
	m.Post(runtime.Goexit)
	m.Post(func() {})
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		m.Run()
		t.Error("Run returned")
	}()
	await(t, ended)
	if m.Run() != 1 {
		t.Error("what was due behind it did not run")
	}
}

func TestManualWaitReturnsWhenSomethingIsDue(t *testing.T) {
	a, m := newAdapter(t), new(Manual)
	var all sync.WaitGroup
	for range 3 {
		all.Go(func() {
			if err := m.Wait(bg); err != nil {
				t.Errorf("Wait = %v", err)
			}
		})
	}
	_, got := quick(a.On(m))
	all.Wait()
	if len(got) > 0 {
		t.Error("Wait ran the callback")
	}
	if err := m.Wait(bg); err != nil { // at once
		t.Errorf("Wait = %v", err)
	}
	m.Run()
	wantValue(t, got, "quick")
}

func TestManualWaitEndsWithItsContext(t *testing.T) {
	m := new(Manual)
	ctx, cancel := context.WithCancel(bg)
	cancel()
	if err := m.Wait(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Wait = %v", err)
	}
	m.Post(func() {})
	if err := m.Wait(ctx); err != nil {
		t.Errorf("Wait = %v although something is due", err)
	}
}

func TestAClosedManualRunsWhatIsDueAndTakesNothing(t *testing.T) {
	a, m := newAdapter(t), new(Manual)
	kept, got := quick(a.On(m))
	if err := m.Wait(bg); err != nil {
		t.Error(err)
	}
	m.Close()
	m.Close()
	lost, _ := quick(a.On(m))
	await(t, lost.Done())
	if err := m.Post(func() {}); !errors.Is(err, loop.ErrClosed) {
		t.Errorf("Post = %v", err)
	}
	if err := m.Wait(bg); err != nil {
		t.Errorf("Wait = %v although something is due", err)
	}
	if m.Run() != 1 {
		t.Error("what was due did not run")
	}
	wantValue(t, got, "quick")
	await(t, kept.Done())
	if n := a.Stats().Undelivered; n != 1 {
		t.Errorf("%d undelivered", n)
	}
	if err := m.Wait(bg); !errors.Is(err, loop.ErrClosed) {
		t.Errorf("Wait = %v with nothing to come", err)
	}
}

func TestCloseEndsAManualsWait(t *testing.T) {
	m := new(Manual)
	waits := make(chan error, 1)
	go func() { waits <- m.Wait(bg) }()
	eventually(t, "it waits", func() bool {
		m.mu.Lock()
		defer m.mu.Unlock()
		return m.changed != nil
	})
	m.Close()
	if err := await(t, waits); !errors.Is(err, loop.ErrClosed) {
		t.Errorf("Wait = %v", err)
	}
}
