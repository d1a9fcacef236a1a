package adapter

import (
	"context"
	"errors"
	"testing"

	"github.com/valet-go/valet/loop"
)

func TestWaitReturnsWhatTheCallbackGets(t *testing.T) {
	a := newAdapter(t)
	v, err := Wait(func(cb func(int, error)) {
		Go(bg, a, func(context.Context) (int, error) { return 42, errTest }, cb)
	})
	if v != 42 || err != errTest {
		t.Errorf("Wait = %v, %v", v, err)
	}
}

func TestWaitErrReturnsWhatTheCallbackGets(t *testing.T) {
	a := newAdapter(t)
	stopped := 0
	s := NewStream(a, nil, func(context.Context) ([]int, error) { return nil, nil }, func() error { stopped++; return errTest })
	if err := WaitErr(func(cb func(error)) { s.Close(cb) }); err != errTest {
		t.Errorf("WaitErr = %v", err)
	}
	if err := WaitErr(func(cb func(error)) { s.Close(cb) }); err != nil || stopped != 1 {
		t.Errorf("a second time it is %v, stopped %d times", err, stopped)
	}
}

func TestWaitOnTheLoopFails(t *testing.T) {
	a := newAdapter(t)
	on(t, a, func() {
		if _, err := Wait(func(func(int, error)) { t.Error("start was called") }); !errors.Is(err, loop.ErrWouldBlockLoop) {
			t.Errorf("Wait = %v, want ErrWouldBlockLoop", err)
		}
		if err := WaitErr(func(func(error)) { t.Error("start was called") }); !errors.Is(err, loop.ErrWouldBlockLoop) {
			t.Errorf("WaitErr = %v, want ErrWouldBlockLoop", err)
		}
	})
}

func TestWaitWorksInABody(t *testing.T) {
	a := newAdapter(t, WithSlots(2))
	cb, got := into[int]()
	Go(bg, a, func(context.Context) (int, error) {
		return Wait(func(cb func(int, error)) {
			Go(bg, a, func(context.Context) (int, error) { return 42, nil }, cb)
		})
	}, cb)
	wantValue(t, got, 42)
}
