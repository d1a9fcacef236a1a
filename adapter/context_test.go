package adapter

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestTheBodysDeadlineIsTheEarlierOne(t *testing.T) {
	soon, late := time.Now().Add(time.Hour), time.Now().Add(3*time.Hour)
	for _, test := range []struct {
		name string
		ctx  time.Time // zero: none
		opts []CallOption
		want time.Time // of ctx; zero: not that
		has  bool
	}{
		{"none", time.Time{}, nil, time.Time{}, false},
		{"the context's", soon, nil, soon, true},
		{"the context's, before the timeout", soon, []CallOption{Timeout(2 * time.Hour)}, soon, true},
		{"the timeout, before the context's", late, []CallOption{Timeout(2 * time.Hour)}, time.Time{}, true},
		{"the timeout", time.Time{}, []CallOption{Timeout(2 * time.Hour)}, time.Time{}, true},
		{"abandoned bodies may go on past it", soon, []CallOption{Timeout(2 * time.Hour), CancelWith(Abandon)}, time.Time{}, false},
		{"killed bodies may go on past it", soon, []CallOption{Timeout(2 * time.Hour), CancelWith(Kill)}, time.Time{}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			a := newAdapter(t)
			ctx, cancel := bg, context.CancelFunc(func() {})
			if !test.ctx.IsZero() {
				ctx, cancel = context.WithDeadline(bg, test.ctx)
			}
			defer cancel()
			began := time.Now()
			at, has := ask(ctx, t, a, test.opts...).ctx.Deadline()
			switch {
			case has != test.has:
				t.Errorf("Deadline = %v, %v", at, has)
			case !test.want.IsZero() && !at.Equal(test.want):
				t.Errorf("Deadline = %v, want %v", at, test.want)
			case has && test.want.IsZero() && (at.Before(began.Add(2*time.Hour)) || at.After(time.Now().Add(2*time.Hour))):
				t.Errorf("Deadline = %v, want it in 2 hours", at)
			}
		})
	}
}

func TestDoneIsOneChannelWheneverItIsAskedFor(t *testing.T) {
	a := newAdapter(t)
	before, after := ask(bg, t, a), ask(bg, t, a)
	done := before.ctx.Done()
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			if <-before.ctx.Done(); before.ctx.Err() != context.Canceled {
				t.Error("Done is closed while Err says nothing")
			}
		})
	}
	before.Cancel()
	readers.Wait()
	if before.ctx.Done() != done {
		t.Error("Done returned another channel")
	}
	after.Cancel()
	eventually(t, "the context ended", func() bool { return after.ctx.Err() != nil })
	if !isDone(after.ctx.Done()) {
		t.Error("Done, asked for afterwards, is open")
	}
}

func TestContextsMadeFromTheBodysCostNoGoroutineAndEndWithIt(t *testing.T) {
	const many = 100
	a := newAdapter(t)
	c := ask(bg, t, a)
	before := runtime.NumGoroutine()
	var children []context.Context
	var ran sync.WaitGroup
	ran.Add(many)
	type key struct{}
	for range many {
		one, cancelOne := context.WithCancel(c.ctx)
		two, cancelTwo := context.WithTimeout(context.WithValue(one, key{}, 1), time.Hour)
		three, cancelThree := context.WithCancelCause(c.ctx)
		defer cancelOne()
		defer cancelTwo()
		defer cancelThree(nil)
		children = append(children, one, two, three)
		context.AfterFunc(c.ctx, ran.Done)
	}
	if n := runtime.NumGoroutine(); n > before {
		t.Errorf("%d contexts made %d goroutines", 4*many, n-before)
	}
	c.Cancel()
	for _, child := range children {
		await(t, child.Done())
		if child.Err() != context.Canceled {
			t.Errorf("a child says %v", child.Err())
		}
	}
	ran.Wait()
	late, cancel := context.WithCancel(c.ctx)
	defer cancel()
	await(t, late.Done())
	lateRan := make(chan struct{})
	if stop := context.AfterFunc(c.ctx, func() { close(lateRan) }); await(t, lateRan) != struct{}{} || stop() {
		t.Error("a function that has run could be stopped")
	}
}

func TestContextsMadeFromAnAbandonedBodysGoOn(t *testing.T) {
	a := newAdapter(t, WithCancel(Abandon))
	c := ask(bg, t, a)
	before := runtime.NumGoroutine()
	child, cancel := context.WithCancel(c.ctx)
	own := (*bodyContext)(c.Call).AfterFunc(func() { t.Error("it ran") })
	stop := context.AfterFunc(child, func() { t.Error("it ran") })
	if n := runtime.NumGoroutine(); n > before {
		t.Errorf("they made %d goroutines", n-before)
	}
	c.Cancel()
	wantErr(t, c.outcome, context.Canceled)
	c.result(nil)
	c.wantOnce(t)
	if child.Err() != nil || !stop() || !own() {
		t.Errorf("a child ended with %v", child.Err())
	}
	if cancel(); child.Err() != context.Canceled {
		t.Error("a child cannot be cancelled")
	}
}

func TestAFunctionThatWasStoppedDoesNotRunAfterTheBodysContext(t *testing.T) {
	a := newAdapter(t)
	c := ask(bg, t, a)
	stop := context.AfterFunc(c.ctx, func() { t.Error("it ran") })
	own := (*bodyContext)(c.Call).AfterFunc(func() { t.Error("it ran") })
	if !stop() || stop() || !own() || own() {
		t.Error("want the first stop true and the second false")
	}
	ran := make(chan struct{})
	context.AfterFunc(c.ctx, func() { close(ran) })
	c.Cancel()
	await(t, ran)
}

func TestCauseIsWhyTheCallWasCancelled(t *testing.T) {
	a := newAdapter(t)
	why := errors.New("the client went away")
	ctx, cancel := context.WithCancelCause(bg)
	ended, abandoned := ask(ctx, t, a), ask(ctx, t, a, CancelWith(Abandon))
	timedOut := ask(bg, t, a, Timeout(time.Hour))
	child, cancelChild := context.WithCancel(ended.ctx)
	defer cancelChild()
	if err := context.Cause(ended.ctx); err != nil {
		t.Errorf("the cause is %v before there is one", err)
	}
	cancel(why)
	await(t, child.Done())
	for _, x := range []context.Context{ended.ctx, child} {
		if err := context.Cause(x); err != why {
			t.Errorf("the cause is %v, want the one given with the context", err)
		}
	}
	wantErr(t, abandoned.outcome, context.Canceled)
	if err := context.Cause(abandoned.ctx); err != nil {
		t.Errorf("the cause is %v, but the body's context goes on", err)
	}
	expire(t, timedOut.Call)
	await(t, timedOut.ctx.Done())
	if err := context.Cause(timedOut.ctx); err != context.DeadlineExceeded {
		t.Errorf("the cause is %v, want the timeout", err)
	}
}

// TestWhatABodyBeganOutlivesTheCall: a transaction, say, which ends with the
// context with which it was begun.
func TestWhatABodyBeganOutlivesTheCall(t *testing.T) {
	for _, p := range policies {
		a := newAdapter(t, WithCancel(p))
		m := newFrontend(t, a)
		ctx, cancel := context.WithCancel(bg)
		cb, got := into[context.Context]()
		var body context.Context
		c := Go(ctx, a.On(m), func(ctx context.Context) (context.Context, error) {
			body = ctx
			began, end := context.WithCancel(ctx)
			t.Cleanup(end)
			return began, nil
		}, cb, Timeout(time.Hour), OnDrop(func(any) { t.Error("dropped") }))
		began := await(t, got).value
		eventually(t, "the body returned", func() bool { return a.Stats().Running == 0 })
		cancel()
		m.end()
		if c.Cancel() {
			t.Error("Cancel = true after the end")
		}
		eventually(t, "nothing watches the contexts", func() bool { return watches(a) == 0 })
		if began.Err() != nil || body.Err() != nil || isDone(body.Done()) {
			t.Errorf("with policy %v it ended with %v after the call", p, began.Err())
		}
	}
}

// TestResultsThatCameLiveOn races cancelling with returning: whatever the body
// returned is alive if its callback got it.
func TestResultsThatCameLiveOn(t *testing.T) {
	for _, p := range policies {
		a := newAdapter(t, WithCancel(p), WithAbandoned(0))
		for i := range 500 {
			dropped := make(chan context.Context, 2)
			gate := make(chan struct{})
			cb, got := into[context.Context]()
			c := Go(bg, a, func(ctx context.Context) (context.Context, error) {
				<-gate
				return ctx, nil
			}, cb, OnDrop(func(v any) { dropped <- v.(context.Context) }))
			var racers sync.WaitGroup
			racers.Go(func() { close(gate) })
			racers.Go(func() {
				for range i % 7 {
					runtime.Gosched()
				}
				c.Cancel()
			})
			racers.Wait()
			o := await(t, got)
			if o.err == nil {
				eventually(t, "the body returned", func() bool { return a.Stats().Running == 0 })
				if o.value.Err() != nil {
					t.Fatalf("with policy %v a result came that had ended with %v", p, o.value.Err())
				}
			} else if !errors.Is(o.err, context.Canceled) {
				t.Errorf("callback got %v", o.err)
			}
		}
		eventually(t, "all bodies returned", func() bool { return a.Stats().Running == 0 })
	}
}

func TestABodysContextIsShownAsOne(t *testing.T) {
	a := newAdapter(t)
	c := ask(bg, t, a, Name("find user"))
	go c.Cancel() // what fmt must not read without a lock
	if s := fmt.Sprintf("%v", c.ctx); !strings.Contains(s, "find user") || strings.Contains(s, "0x") {
		t.Errorf("it is shown as %s", s)
	}
}

// curious is an error that asks a context when it is compared, as one of a
// driver's may.
type curious struct{ ctx context.Context }

func (c curious) Error() string { return "test: curious" }

func (c curious) Is(error) bool { return c.ctx.Err() == nil }

func TestErrorsAreComparedUnderNoMutex(t *testing.T) {
	a := newAdapter(t)
	c := ask(bg, t, a)
	c.Cancel()
	await(t, c.ctx.Done())
	c.result(curious{c.ctx})
	wantErr(t, c.outcome, context.Canceled)

	foreign := sluggish{bg, make(chan struct{})}
	var d *asked
	ctx := &oracle{Context: foreign, err: func() error { return curious{d.ctx} }}
	d = ask(ctx, t, a)
	close(foreign.done)
	await(t, d.ctx.Done())
}

// oracle is a context whose error, once it has ended, is made when it is asked
// for.
type oracle struct {
	context.Context
	err func() error
}

func (o *oracle) Err() error {
	if o.Context.Err() == nil {
		return nil
	}
	return o.err()
}

// A driver may look at its context right after somebody ended it.
func TestErrSeesTheEndOfTheContextAtOnce(t *testing.T) {
	a := newAdapter(t)
	for range 200 {
		ctx, cancel := context.WithCancel(bg)
		cb, got := into[bool]()
		Go(ctx, a, func(ctx context.Context) (bool, error) {
			cancel()
			if ctx.Err() == nil {
				return false, nil
			}
			<-ctx.Done()
			return true, nil
		}, cb)
		wantValue(t, got, true)
	}
}
