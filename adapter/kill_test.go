package adapter

import (
	"context"
	"errors"
	"io"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"weak"
)

func TestKillStopsTheServerAndSparesTheContext(t *testing.T) {
	a := newAdapter(t, WithCancel(Kill), WithGrace(time.Hour))
	type key struct{}
	ctx, cancel := context.WithCancel(context.WithValue(bg, key{}, "value"))
	c := ask(ctx, t, a, OnDrop(func(any) { t.Error("dropped") }))
	var kills atomic.Int32
	killed := make(chan context.Context, 2)
	release := Killable(context.WithValue(c.ctx, key{}, 1), func(ctx context.Context) error {
		kills.Add(1)
		if _, bounded := ctx.Deadline(); !bounded || ctx.Err() != nil || ctx.Value(key{}) != "value" {
			t.Errorf("kill got the context %v, want a bounded one with the call's values", ctx)
		}
		killed <- ctx
		return nil
	})
	cancel()
	await(t, killed)
	if c.Cancel() {
		t.Error("it could be cancelled again")
	}
	release()
	release()
	if c.ctx.Err() != nil || c.State() != Stopping {
		t.Errorf("the call is %v and its context says %v", c.State(), c.ctx.Err())
	}
	c.result(nil) // it succeeded nevertheless, and what it holds is alive
	wantValue(t, c.outcome, "asked")
	c.wantOnce(t)
	if n := kills.Load(); n != 1 {
		t.Errorf("killed %d times", n)
	}
	if c.ctx.Err() != nil {
		t.Errorf("the context ended with %v after a result was delivered", c.ctx.Err())
	}
}

func TestABodyThatWasKilledReportsTheCause(t *testing.T) {
	a := newAdapter(t, WithCancel(Kill))
	c := ask(bg, t, a, Timeout(time.Hour))
	Killable(c.ctx, func(context.Context) error { c.result(errTest); return nil })
	expire(t, c.Call)
	if o := await(t, c.outcome); !errors.Is(o.err, context.DeadlineExceeded) || !errors.Is(o.err, errTest) {
		t.Errorf("callback got %v, want the cause and the body's error", o.err)
	}
}

func TestAKillThatFailsStopsTheBodyAsByClose(t *testing.T) {
	for name, kill := range map[string]func(context.Context) error{
		"it fails":  func(context.Context) error { return errTest },
		"it panics": func(context.Context) error { panic(errTest) },
		"it exits":  func(context.Context) error { runtime.Goexit(); return nil },
	} {
		t.Run(name, func(t *testing.T) {
			a := newAdapter(t, WithCancel(Kill), WithGrace(time.Hour))
			c := ask(bg, t, a)
			release := Killable(c.ctx, kill)
			c.Cancel()
			await(t, c.ctx.Done())
			release()
			c.result(errors.New("test: interrupted"))
			o := await(t, c.outcome)
			if !errors.Is(o.err, context.Canceled) || !strings.Contains(o.err.Error(), "test: interrupted") {
				t.Errorf("callback got %v, want the cause and the body's error", o.err)
			}
			if want := map[string]error{"it exits": ErrGoexit}[name]; want == nil && !errors.Is(o.err, errTest) || want != nil && !errors.Is(o.err, want) {
				t.Errorf("callback got %v, want also why killing failed", o.err)
			}
			c.wantOnce(t)
		})
	}
}

func TestAKillThatHangsStopsTheBodyAsByClose(t *testing.T) {
	for _, heeds := range []bool{true, false} {
		a := newAdapter(t, WithCancel(Kill), WithGrace(time.Hour))
		a.b.settings.killing = time.Millisecond
		c := ask(bg, t, a)
		end := make(chan struct{})
		Killable(c.ctx, func(ctx context.Context) error {
			<-ctx.Done()
			if !heeds {
				<-end
			}
			return ctx.Err()
		})
		c.Cancel()
		await(t, c.ctx.Done())
		c.result(errTest)
		close(end)
		wantErr(t, c.outcome, context.Canceled)
		c.wantOnce(t)
	}
}

func TestAKillThatDoesNotHelpWithinTheGraceStopsTheBodyAsByClose(t *testing.T) {
	a := newAdapter(t, WithCancel(Kill), WithGrace(time.Millisecond))
	c := ask(bg, t, a)
	Killable(c.ctx, func(context.Context) error { return nil })
	c.Cancel()
	await(t, c.ctx.Done())
	c.result(errTest)
	if o := await(t, c.outcome); !errors.Is(o.err, context.Canceled) || !errors.Is(o.err, errTest) {
		t.Errorf("callback got %v", o.err)
	}
}

func TestNothingIsKilledAfterRelease(t *testing.T) {
	a := newAdapter(t, WithCancel(Kill), WithGrace(time.Hour))
	c := ask(bg, t, a)
	Killable(c.ctx, func(context.Context) error { t.Error("killed what was released"); return nil })()
	c.Cancel()
	await(t, c.ctx.Done()) // stopped as by Close, since nothing is left to kill
	c.result(nil)
	wantValue(t, c.outcome, "asked")
}

func TestNothingIsKilledAfterTheBodyHasReturned(t *testing.T) {
	a := newAdapter(t, WithCancel(Kill), WithGrace(time.Hour))
	kill := func(context.Context) error { t.Error("killed"); return nil }
	c := ask(bg, t, a)
	Killable(c.ctx, kill)
	c.result(nil)
	wantValue(t, c.outcome, "asked")
	c.Cancel()
	Killable(c.ctx, kill) // by a goroutine that is left over
	c.wantOnce(t)
	if c.rare.Load().killer != nil {
		t.Error("the call keeps what was registered after its end")
	}
}

func TestTheNewestKillReplacesTheOneBefore(t *testing.T) {
	a := newAdapter(t, WithCancel(Kill), WithGrace(time.Hour))
	c := ask(bg, t, a)
	first := Killable(c.ctx, func(context.Context) error { t.Error("killed the first"); return nil })
	killed := make(chan struct{})
	second := Killable(c.ctx, func(context.Context) error { close(killed); return nil })
	first() // does not release the second
	c.Cancel()
	await(t, killed)
	second()
	c.result(nil)
	wantValue(t, c.outcome, "asked")
}

func TestAKillRegisteredTooLateDoesNotRun(t *testing.T) {
	a := newAdapter(t, WithCancel(Kill), WithGrace(time.Hour))
	c := ask(bg, t, a)
	c.Cancel()
	await(t, c.ctx.Done()) // there was nothing to kill
	Killable(c.ctx, func(context.Context) error { t.Error("killed"); return nil })()
	c.result(nil)
	wantValue(t, c.outcome, "asked")
}

func TestABodyWaitsForAKillWhateverItRegistersMeanwhile(t *testing.T) {
	a := newAdapter(t, WithCancel(Kill), WithGrace(time.Hour))
	c := ask(bg, t, a)
	killing, end := make(chan struct{}), make(chan struct{})
	Killable(c.ctx, func(context.Context) error { close(killing); <-end; return errTest })
	c.Cancel()
	await(t, killing)
	Killable(c.ctx, func(context.Context) error { t.Error("killed twice"); return nil })()
	c.result(io.EOF)
	eventually(t, "it waits for the killing, or has called back", func() bool {
		return blockedIn("(*rare).release") == 1 || len(c.outcome) > 0
	})
	if len(c.outcome) > 0 {
		t.Error("the call was over while the killing was under way")
	}
	close(end)
	wantErr(t, c.outcome, errTest)
}

// TestNothingKeepsACallThatWasKilled: the timers of killing end with the call.
func TestNothingKeepsACallThatWasKilled(t *testing.T) {
	for _, abort := range []bool{false, true} {
		a := newAdapter(t, WithCancel(Kill), WithGrace(time.Hour))
		a.b.settings.killing = time.Hour
		gone := func() weak.Pointer[Call] {
			runs, killed, end := make(chan struct{}), make(chan struct{}), make(chan struct{})
			cb, got := into[int]()
			c := Go(bg, a, func(ctx context.Context) (int, error) {
				release := Killable(ctx, func(context.Context) error { return nil })
				close(runs)
				<-killed
				release()
				<-end
				return 1, nil
			}, cb)
			await(t, runs)
			c.Cancel()
			close(killed)
			eventually(t, "it has the grace to return", func() bool {
				a.b.mu.Lock()
				defer a.b.mu.Unlock()
				return c.rare.Load().grace != nil
			})
			if abort {
				abortAll(t, a)
			}
			close(end)
			await(t, got)
			return weak.Make(c)
		}()
		eventually(t, "the call is garbage", func() bool { runtime.GC(); return gone.Value() == nil })
	}
}

func TestKillableIsForCallsWithThatPolicyOnly(t *testing.T) {
	kill := func(context.Context) error { t.Error("killed"); return nil }
	Killable(bg, kill)()
	a := newAdapter(t)
	for _, p := range []CancelPolicy{Close, Abandon} {
		c := ask(bg, t, a, CancelWith(p))
		release := Killable(c.ctx, kill)
		c.Cancel()
		release()
		c.result(nil)
		await(t, c.outcome)
	}
	c := ask(bg, t, a, CancelWith(Kill))
	inner := ask(c.ctx, t, a) // its context is another call's
	Killable(inner.ctx, kill)
	inner.Cancel()
	c.Cancel()
	await(t, c.ctx.Done())
	mustPanic(t, "a nil kill", func() { Killable(c.ctx, nil) })
}

func TestCloseOutOfPatienceKillsNothing(t *testing.T) {
	a := newAdapter(t, WithCancel(Kill))
	c := ask(bg, t, a)
	Killable(c.ctx, func(context.Context) error { t.Error("killed"); return nil })
	abortAll(t, a)
	wantErr(t, c.outcome, ErrClosed)
	await(t, c.ctx.Done())
	c.result(nil)
	c.wantOnce(t)
}

// TestABodyWaitsForAKillThatAnotherGoroutineReleases: until the killing is over
// the connection must not be asked anything else.
func TestABodyWaitsForAKillThatAnotherGoroutineReleases(t *testing.T) {
	a := newAdapter(t, WithCancel(Kill), WithGrace(time.Hour))
	c := ask(bg, t, a)
	killing, end := make(chan struct{}), make(chan struct{})
	release := Killable(c.ctx, func(context.Context) error { close(killing); <-end; return nil })
	c.Cancel()
	await(t, killing)
	released := make(chan struct{})
	go func() { release(); close(released) }()
	eventually(t, "it waits for the killing", func() bool { return blockedIn("(*rare).release") == 1 })
	c.result(nil)
	eventually(t, "so does the body, or it has called back", func() bool {
		return blockedIn("(*rare).release") == 2 || len(c.outcome) > 0
	})
	if len(c.outcome) > 0 || isDone(released) {
		t.Error("the call was over while the killing was under way")
	}
	close(end)
	await(t, released)
	wantValue(t, c.outcome, "asked")
}

// blockedIn returns how many goroutines have a function on their stacks.
func blockedIn(function string) int {
	buf := make([]byte, 1<<20)
	return strings.Count(string(buf[:runtime.Stack(buf, true)]), function+"(")
}
