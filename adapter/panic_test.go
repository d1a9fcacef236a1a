package adapter

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"strings"
	"testing"

	"github.com/valet-go/valet/loop"
)

func TestPanicInABodyBecomesAnError(t *testing.T) {
	a := newAdapter(t)
	for _, value := range []any{"boom", 7, errTest, &fs.PathError{Op: "op", Path: "path", Err: errTest}} {
		cb, got := into[int]()
		Go(bg, a, func(context.Context) (int, error) { panic(value) }, cb)
		err := await(t, got).err
		var p *PanicError
		if !errors.As(err, &p) {
			t.Fatalf("error %v, want a *PanicError", err)
		}
		if p.Value != value {
			t.Errorf("Value = %v, want %v", p.Value, value)
		}
		if !strings.Contains(string(p.Stack), "panic_test.go") {
			t.Errorf("the stack does not name the body:\n%s", p.Stack)
		}
		if !strings.Contains(p.Error(), fmt.Sprint(value)) {
			t.Errorf("Error() = %q", p.Error())
		}
		_, isErr := value.(error)
		if errors.Is(err, errTest) != isErr {
			t.Errorf("panic(%v): errors.Is(err, errTest) = %v", value, !isErr)
		}
		if path := new(fs.PathError); errors.As(err, &path) && path != value {
			t.Errorf("errors.As found %v", path)
		}
	}
}

func TestNilPanicInABodyBecomesAnError(t *testing.T) {
	a := newAdapter(t)
	cb, got := into[int]()
	var none any
	Go(bg, a, func(context.Context) (int, error) { panic(none) }, cb)
	var p *runtime.PanicNilError
	if err := await(t, got).err; !errors.As(err, &p) {
		t.Errorf("error %v, want a *runtime.PanicNilError inside", err)
	}
}

func TestPanicKeepsTheSlot(t *testing.T) { bodiesEndButTheSlotLives(t, func() { panic("boom") }) }

func TestGoexitKeepsTheSlot(t *testing.T) { bodiesEndButTheSlotLives(t, runtime.Goexit) }

// bodiesEndButTheSlotLives ends many bodies on one slot while others wait.
func bodiesEndButTheSlotLives(t *testing.T, end func()) {
	a := newAdapter(t, WithSlots(1))
	head := block(t, a)
	var bad, good []chan outcome[string]
	for range 20 {
		cb, got := into[string]()
		Go(bg, a, func(context.Context) (string, error) { end(); return "", nil }, cb)
		bad = append(bad, got)
		_, got = quick(a)
		good = append(good, got)
	}
	head.release()
	for i := range bad {
		if o := await(t, bad[i]); o.err == nil {
			t.Error("the body ended early, but its callback got no error")
		}
		wantValue(t, good[i], "quick")
	}
	eventually(t, "all bodies returned", func() bool { return a.Stats().Running == 0 })
	head = block(t, a) // the slot is one, and free
	if c, _ := quick(a); c.State() != Waiting {
		t.Errorf("a call beside the only slot is %v", c.State())
	}
	head.release()
}

func TestGoexitInABodyIsErrGoexit(t *testing.T) {
	a := newAdapter(t)
	cb, got := into[int]()
	Go(bg, a, func(context.Context) (int, error) { runtime.Goexit(); return 1, nil }, cb)
	wantErr(t, got, ErrGoexit)
}

func TestPanicInACallbackIsReportedByTheLoop(t *testing.T) {
	reported := make(chan any, 2)
	l := startLoop(t, loop.WithPanicHandler(func(v any, _ []byte) { reported <- v }))
	a := New(l)
	closeAtEnd(t, a)
	c := Go(bg, a, func(context.Context) (int, error) { return 0, nil }, func(int, error) { panic("boom") })
	if v := await(t, reported); v != "boom" {
		t.Errorf("reported %v", v)
	}
	await(t, c.Done())
	_, got := quick(a)
	wantValue(t, got, "quick")
}

func TestGoexitInACallbackLeavesTheLoopRunning(t *testing.T) {
	a := newAdapter(t)
	c := Go(bg, a, func(context.Context) (int, error) { return 0, nil }, func(int, error) { runtime.Goexit() })
	await(t, c.Done())
	_, got := quick(a)
	wantValue(t, got, "quick")
}

func TestAbandonedBodyMayPanicOrGoexit(t *testing.T) {
	reports := make(chan any, 1)
	l := startLoop(t, loop.WithPanicHandler(func(v any, _ []byte) { reports <- v }))
	a := New(l, WithSlots(1), WithCancel(Abandon), WithAbandoned(1))
	defer a.Close(bg)
	for _, end := range []func(){runtime.Goexit, func() { panic("boom") }} {
		runs, release := make(chan struct{}), make(chan struct{})
		cb, got := into[int]()
		c := Go(bg, a, func(context.Context) (int, error) {
			close(runs)
			<-release
			end()
			return 0, nil
		}, cb)
		await(t, runs)
		c.Cancel()
		wantErr(t, got, context.Canceled)
		_, next := quick(a)
		close(release)
		wantValue(t, next, "quick")
		if len(got) > 0 {
			t.Error("called back twice")
		}
	}
	// The panic has no callback to go to; the executor reports it.
	if p, ok := await(t, reports).(*PanicError); !ok || p.Value != "boom" {
		t.Errorf("reported %v, want the panic of the abandoned body", p)
	}
}

func TestPanicWhileDroppingIsReported(t *testing.T) {
	reports := make(chan any, 1)
	l := startLoop(t, loop.WithPanicHandler(func(v any, _ []byte) { reports <- v }))
	a := New(l, WithSlots(1), WithCancel(Abandon), WithAbandoned(1))
	defer a.Close(bg)
	runs, release := make(chan struct{}), make(chan struct{})
	cb, got := into[int]()
	c := Go(bg, a, func(context.Context) (int, error) {
		close(runs)
		<-release
		return 7, nil
	}, cb, OnDrop(func(v any) { panic(v) }))
	await(t, runs)
	c.Cancel()
	wantErr(t, got, context.Canceled)
	close(release)
	if p, ok := await(t, reports).(*PanicError); !ok || p.Value != 7 {
		t.Errorf("reported %v, want the panic of OnDrop's function", p)
	}
	_, next := quick(a)
	wantValue(t, next, "quick")
}
