package adapter

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"
)

// mustPanicWith checks that the panic says what was wrong.
func mustPanicWith(t *testing.T, say string, f func()) {
	t.Helper()
	defer func() {
		t.Helper()
		if v := fmt.Sprint(recover()); !strings.HasPrefix(v, "adapter: ") || !strings.Contains(v, say) {
			t.Errorf("panic %q, want one of the adapter's with %q", v, say)
		}
	}()
	f()
}

func TestOptionsRefuseWhatMakesNoSense(t *testing.T) {
	a := newAdapter(t)
	for say, f := range map[string]func(){
		"WithSlots(0)":          func() { WithSlots(0) },
		"WithSlots(-1)":         func() { WithSlots(-1) },
		"WithLongSlots(0)":      func() { WithLongSlots(0) },
		"WithLongSlots(-1)":     func() { WithLongSlots(-1) },
		"WithQueue(-1)":         func() { WithQueue(-1) },
		"WithWatermarks(-1, 1)": func() { WithWatermarks(-1, 1) },
		"WithWatermarks(0, 0)":  func() { WithWatermarks(0, 0) },
		"WithWatermarks(2, 2)":  func() { WithWatermarks(2, 2) },
		"WithWatermarks(3, 2)":  func() { WithWatermarks(3, 2) },
		"CancelPolicy(3)":       func() { WithCancel(3) },
		"CancelPolicy(255)":     func() { CancelWith(255) },
		"WithTimeout(0s)":       func() { WithTimeout(0) },
		"WithTimeout(-1ns)":     func() { WithTimeout(-1) },
		"WithGrace(0s)":         func() { WithGrace(0) },
		"WithGrace(-1ns)":       func() { WithGrace(-1) },
		"WithAbandoned(-1)":     func() { WithAbandoned(-1) },
		"Timeout(-1ns)":         func() { Timeout(-1) },
		"an option is nil":      func() { a.Backend("x", nil) },
		"a lane":                func() { In(nil) },
		"a window":              func() { Ordered(nil) },
		"LogHook":               func() { LogHook(nil) },
	} {
		mustPanicWith(t, say, f)
	}
	if n := len(a.b.children); n != 0 {
		t.Errorf("%d backends were made with bad options", n)
	}
}

func TestNilsPanicAtOnce(t *testing.T) {
	a := newAdapter(t)
	body := func(context.Context) (int, error) { return 0, nil }
	cb := func(int, error) {}
	var ctx context.Context
	c, got := quick(a)
	await(t, got)
	for say, f := range map[string]func(){
		"needs a context":        func() { Go(ctx, a, body, cb) },
		"needs an adapter":       func() { Go(bg, nil, body, cb) },
		"needs a body":           func() { Go(bg, a, nil, cb) },
		"needs a callback":       func() { Go(bg, a, body, nil) },
		"needs a loop":           func() { New(nil) },
		"needs an executor":      func() { a.On(nil) },
		"OnPressure needs":       func() { a.OnPressure(nil) },
		"Join needs an adapter":  func() { Join(nil, func(error) {}) },
		"a callback and calls":   func() { Join(a, nil, c) },
		"calls, not nil":         func() { Join(a, func(error) { t.Error("joined") }, c, nil) },
		"Post needs a function":  func() { _ = new(Manual).Post(nil) },
		"Killable needs":         func() { Killable(bg, nil) },
		"NewStream needs both":   func() { NewStream[int](a, nil, nil, nil) },
		"Each needs both":        func() { new(source).stream(a).Each(bg, nil, nil) },
		"CollectFunc needs both": func() { CollectFunc[int, int](bg, new(source).stream(a), 0, nil, nil) },
	} {
		mustPanicWith(t, say, f)
	}
	for say, f := range map[string]func(){
		"needs a context":  func() { _, _ = TryGo(ctx, a, body, cb) },
		"needs an adapter": func() { _, _ = TryGo(bg, nil, body, cb) },
		"needs a body":     func() { _, _ = TryGo(bg, a, nil, cb) },
		"needs a callback": func() { _, _ = TryGo(bg, a, body, nil) },
	} {
		mustPanicWith(t, say, f)
	}
	if s := a.Stats(); s.Started != 1 || s.Running+s.Waiting != 0 {
		t.Errorf("a misused call was counted: %+v", s)
	}
}

func TestExtremesAreAllowed(t *testing.T) {
	a := newAdapter(t, WithSlots(math.MaxInt), WithLongSlots(math.MaxInt), WithQueue(math.MaxInt),
		WithTimeout(math.MaxInt64), WithGrace(math.MaxInt64), WithAbandoned(math.MaxInt))
	for _, opts := range [][]CallOption{nil, {Long()}, {{}}, {OnDrop(nil)}, {Name("")}, {Timeout(math.MaxInt64)}} {
		_, got := quick(a, opts...)
		wantValue(t, got, "quick")
	}
	one := newAdapter(t, WithQueue(1), WithAbandoned(0), WithWatermarks(0, 1))
	_, got := quick(one)
	wantValue(t, got, "quick")
}

func TestDefaultsAreAsDocumented(t *testing.T) {
	s := newAdapter(t).b.settings
	want := settings{
		slots: DefaultSlots, long: DefaultLongSlots, queue: DefaultQueue,
		low: DefaultQueue / 4, high: DefaultQueue / 2, policy: Close, grace: DefaultGrace, killing: killPatience, abandoned: DefaultSlots / 2,
	}
	if fmt.Sprint(s) != fmt.Sprint(want) {
		t.Errorf("%+v, want %+v", s, want)
	}
	for queue, high := range map[int]int{0: 1, 1: 1, 2: 1, 4: 2, 100: 50} {
		if s := newAdapter(t, WithQueue(queue)).b.settings; s.high != high || s.low != high/2 {
			t.Errorf("WithQueue(%d): watermarks %d and %d", queue, s.low, s.high)
		}
	}
}

func TestABackendInheritsAllButWhatBelongsToAPool(t *testing.T) {
	parent := newAdapter(t, WithSlots(8), WithLongSlots(9), WithQueue(10), WithWatermarks(1, 2), WithAbandoned(3),
		WithCancel(Abandon), WithTimeout(time.Minute), WithGrace(time.Hour), WithHook(Hook{}))
	s := parent.Backend("child", WithSlots(6)).b.settings
	if s.policy != Abandon || s.timeout != time.Minute || s.grace != time.Hour || len(s.hooks) != 1 {
		t.Errorf("%+v lacks what a child inherits", s)
	}
	if s.slots != 6 || s.long != DefaultLongSlots || s.queue != DefaultQueue || s.high != DefaultQueue/2 || s.abandoned != 3 {
		t.Errorf("%+v has what belongs to the parent's pool", s)
	}
	if s := parent.Backend("other", WithCancel(Kill), WithTimeout(time.Second)).b.settings; s.policy != Kill || s.timeout != time.Second {
		t.Errorf("%+v, not what was said anew", s)
	}
}

func TestCancelTwiceAndInTheCallback(t *testing.T) {
	for _, policy := range []CancelPolicy{Close, Abandon, Kill} {
		t.Run(policy.String(), func(t *testing.T) {
			a := newAdapter(t, WithCancel(policy))
			runs, release := make(chan struct{}), make(chan struct{})
			started, got := make(chan *Call, 1), make(chan error, 2)
			c := Go(bg, a, func(ctx context.Context) (int, error) {
				close(runs)
				<-release
				return 0, errTest
			}, func(_ int, err error) {
				if (<-started).Cancel() {
					t.Error("Cancel = true in the callback")
				}
				got <- err
			})
			await(t, runs)
			if !c.Cancel() || c.Cancel() {
				t.Error("want the first Cancel true and the second false")
			}
			close(release)
			started <- c
			if err := await(t, got); !errors.Is(err, context.Canceled) {
				t.Errorf("callback got %v", err)
			}
			await(t, c.Done())
			if s := a.Stats(); s.Cancelled != 1 || len(got) > 0 {
				t.Errorf("%+v", s)
			}
		})
	}
}
