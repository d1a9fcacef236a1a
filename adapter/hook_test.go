package adapter

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// heard gathers what a hook is told.
type heard struct {
	mu     sync.Mutex
	starts []CallStart
	ends   []CallEnd
	panics []*PanicError
	values []any // of hookKey in the contexts of ends and panics
}

type hookKey struct{}

// unheard names calls that are not gathered.
const unheard = "unheard"

// hook returns a hook that gathers, and marks each call's context.
func (h *heard) hook() Hook {
	return Hook{
		Start: func(ctx context.Context, c CallStart) context.Context {
			if c.Name == unheard {
				return ctx
			}
			h.mu.Lock()
			defer h.mu.Unlock()
			h.starts = append(h.starts, c)
			return context.WithValue(ctx, hookKey{}, len(h.starts))
		},
		End: func(ctx context.Context, c CallEnd) {
			if c.Name == unheard {
				return
			}
			h.mu.Lock()
			defer h.mu.Unlock()
			h.ends, h.values = append(h.ends, c), append(h.values, ctx.Value(hookKey{}))
		},
		Panic: func(ctx context.Context, _ CallStart, p *PanicError) {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.panics, h.values = append(h.panics, p), append(h.values, ctx.Value(hookKey{}))
		},
	}
}

// end returns the only end so far.
func (h *heard) end(t *testing.T) CallEnd {
	t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.starts) != 1 || len(h.ends) != 1 {
		t.Fatalf("%d starts and %d ends", len(h.starts), len(h.ends))
	}
	return h.ends[0]
}

func TestTheContextOfAHookReachesTheBodyAndTheEnd(t *testing.T) {
	h := new(heard)
	a := newAdapter(t, WithHook(h.hook()))
	cb, got := into[any]()
	Go(bg, a, func(ctx context.Context) (any, error) { return ctx.Value(hookKey{}), nil }, cb)
	wantValue(t, got, any(1))
	if h.end(t); !slices.Equal(h.values, []any{1}) {
		t.Errorf("End got the values %v", h.values)
	}
}

func TestAHookMayBoundACall(t *testing.T) {
	a := newAdapter(t, WithHook(Hook{Start: func(ctx context.Context, _ CallStart) context.Context {
		ctx, cancel := context.WithCancel(ctx)
		cancel()
		return ctx
	}}))
	cb, got := into[int]()
	Go(bg, a, refusal(t), cb)
	wantErr(t, got, context.Canceled)
}

func TestHooksHearInTheOrderOfAdding(t *testing.T) {
	var order []string // Go's goroutine, then the body's
	hook := func(name string) Option {
		return WithHook(Hook{
			Start: func(ctx context.Context, _ CallStart) context.Context {
				before, _ := ctx.Value(hookKey{}).(string)
				order = append(order, "start "+name)
				return context.WithValue(ctx, hookKey{}, before+name)
			},
			End: func(ctx context.Context, _ CallEnd) {
				order = append(order, fmt.Sprint("end ", name, ctx.Value(hookKey{})))
			},
		})
	}
	a := newAdapter(t, hook("1"), WithHook(Hook{}), hook("2"))
	_, got := quick(a)
	wantValue(t, got, "quick")
	if want := []string{"start 1", "start 2", "end 11", "end 212"}; !slices.Equal(order, want) {
		t.Errorf("heard %q, want %q", order, want)
	}
}

func TestAHookIsToldWhatCallItIs(t *testing.T) {
	for name, tt := range map[string]struct {
		opts []CallOption
		want CallStart
	}{
		"short": {nil, CallStart{Backend: "db"}},
		"named": {[]CallOption{Name("find")}, CallStart{Backend: "db", Name: "find"}},
		"held":  {[]CallOption{Held()}, CallStart{Backend: "db", Held: true}},
		"long":  {[]CallOption{Long()}, CallStart{Backend: "db", Long: true}},
	} {
		t.Run(name, func(t *testing.T) {
			h := new(heard)
			a := newAdapter(t).Backend("db", WithHook(h.hook()))
			_, got := quick(a, tt.opts...)
			wantValue(t, got, "quick")
			if end := h.end(t); end.CallStart != tt.want || h.starts[0] != tt.want {
				t.Errorf("Start got %+v, End %+v", h.starts[0], end)
			}
		})
	}
}

// TestEndComesOnceForEveryWayToEnd checks the error and which times are there.
func TestEndComesOnceForEveryWayToEnd(t *testing.T) {
	done, cancelDone := context.WithCancel(bg)
	cancelDone()
	returning := func(err error) func(*testing.T, *Adapter) *Call {
		return func(_ *testing.T, a *Adapter) *Call { return failing(a, err, Held()) }
	}
	for name, tt := range map[string]struct {
		call func(*testing.T, *Adapter) *Call // on an adapter without a free slot
		want error
		ran  bool
	}{
		"success":   {returning(nil), nil, true},
		"an error":  {returning(errTest), errTest, true},
		"a refusal": {func(_ *testing.T, a *Adapter) *Call { c, _ := quick(a); return c }, ErrOverloaded, false},
		"TryGo": {func(t *testing.T, a *Adapter) *Call {
			_, _ = TryGo(bg, a, refusal(t), func(int, error) { t.Error("called back") })
			return nil
		}, ErrOverloaded, false},
		"cancelled waiting": {func(_ *testing.T, a *Adapter) *Call {
			c, _ := quick(a, Long())
			c.Cancel()
			return c
		}, context.Canceled, false},
		"timed out waiting": {func(_ *testing.T, a *Adapter) *Call {
			c, _ := quick(a, Long(), Timeout(1))
			return c
		}, context.DeadlineExceeded, false},
		"context done": {func(t *testing.T, a *Adapter) *Call {
			return Go(done, a, refusal(t), func(int, error) {}, Held(), CancelWith(Abandon))
		}, context.Canceled, false},
		"abandoned": {func(t *testing.T, a *Adapter) *Call {
			b := block(t, a, Held(), CancelWith(Abandon))
			b.Cancel()
			await(t, b.Done())
			b.release()
			return b.Call
		}, context.Canceled, true},
		"stopped": {func(t *testing.T, a *Adapter) *Call {
			runs := make(chan struct{})
			c := Go(bg, a, func(ctx context.Context) (int, error) {
				close(runs)
				<-ctx.Done()
				return 0, ctx.Err()
			}, func(int, error) {}, Held())
			await(t, runs)
			c.Cancel()
			return c
		}, context.Canceled, true},
		"Goexit": {func(_ *testing.T, a *Adapter) *Call {
			return Go(bg, a, func(context.Context) (int, error) { runtime.Goexit(); return 0, nil }, func(int, error) {}, Held())
		}, ErrGoexit, true},
		"panic": {func(_ *testing.T, a *Adapter) *Call {
			return Go(bg, a, func(context.Context) (int, error) { panic(errTest) }, func(int, error) {}, Held())
		}, errTest, true},
	} {
		t.Run(name, func(t *testing.T) {
			h := new(heard)
			under := newAdapter(t, WithHook(h.hook()))
			a := under.Backend("full", WithSlots(1), WithLongSlots(1), WithQueue(0))
			long := under.Backend("long", WithSlots(1), WithLongSlots(1), WithQueue(1))
			block(t, a, Name(unheard))
			block(t, long, Long(), Name(unheard))
			if name == "cancelled waiting" || name == "timed out waiting" {
				a = long
			}
			before := time.Now()
			if c := tt.call(t, a); c != nil {
				await(t, c.Done())
			}
			most := time.Since(before)
			end := h.end(t)
			if !errors.Is(end.Err, tt.want) || (tt.want == nil) != (end.Err == nil) {
				t.Errorf("End got the error %v, want %v", end.Err, tt.want)
			}
			if tt.ran && end.Ran == 0 || end.Waited < 0 || end.Ran < 0 || end.Waited+end.Ran > most {
				t.Errorf("waited %v and ran %v, within %v", end.Waited, end.Ran, most)
			}
			if !tt.ran && end.Ran != 0 {
				t.Errorf("it ran %v", end.Ran)
			}
			if end.Refused != errors.Is(tt.want, ErrOverloaded) || end.Began != tt.ran {
				t.Errorf("refused: %v, began: %v", end.Refused, end.Began)
			}
			if isPanic := name == "panic"; (len(h.panics) == 1) != isPanic {
				t.Errorf("%d panics were heard", len(h.panics))
			}
			eventually(t, "the bodies returned", func() bool { return a.Stats().Running <= 1 })
			h.end(t) // once
		})
	}
}

func TestDurationsAreSplitWhereTheBodyBegins(t *testing.T) {
	h := new(heard)
	a := newAdapter(t, WithSlots(1), WithHook(h.hook()))
	head := block(t, a)
	var began time.Time
	cb, got := into[time.Time]()
	before := time.Now()
	Go(bg, a, func(context.Context) (time.Time, error) {
		began = time.Now()
		for time.Since(began) < time.Millisecond { // busy
		}
		return time.Now(), nil
	}, cb)
	started := time.Now()
	for time.Since(started) < time.Millisecond { // busy
	}
	head.release()
	o := await(t, got)
	end := h.ends[1]
	if end.Waited < time.Millisecond || end.Waited > began.Sub(before) {
		t.Errorf("waited %v, of %v", end.Waited, began.Sub(before))
	}
	if end.Ran < o.value.Sub(began) {
		t.Errorf("ran %v, not %v", end.Ran, o.value.Sub(began))
	}
}

func TestThePanicOfAnAbandonedBodyIsHeard(t *testing.T) {
	h := new(heard)
	a := newAdapter(t, WithHook(h.hook()), WithCancel(Abandon)).On(new(Manual))
	runs, release := make(chan struct{}), make(chan struct{})
	c := Go(bg, a, func(context.Context) (int, error) {
		close(runs)
		<-release
		panic("boom")
	}, func(int, error) {})
	await(t, runs)
	c.Cancel()
	close(release)
	eventually(t, "the body returned", func() bool { return a.Stats().Running == 0 })
	if end := h.end(t); !errors.Is(end.Err, context.Canceled) {
		t.Errorf("End got %v", end.Err)
	}
	if len(h.panics) != 1 || h.panics[0].Value != "boom" || !slices.Equal(h.values, []any{1, 1}) {
		t.Errorf("heard the panics %v, with the values %v", h.panics, h.values)
	}
}

func TestPanicsInHooksAreContained(t *testing.T) {
	log := captureLog(t)
	h := new(heard)
	a := newAdapter(t, WithHook(Hook{
		End:   func(context.Context, CallEnd) { panic("in End") },
		Panic: func(context.Context, CallStart, *PanicError) { panic("in Panic") },
	}), WithHook(h.hook()))
	cb, got := into[int]()
	Go(bg, a, func(context.Context) (int, error) { panic(errTest) }, cb)
	wantErr(t, got, errTest)
	h.end(t) // the other hook heard it
	if s := log.String(); len(h.panics) != 1 || !strings.Contains(s, "in End") || !strings.Contains(s, "in Panic") {
		t.Errorf("logged %s", s)
	}
}

// TestAHookThatEndsItsGoroutineLosesNoCallback: what require.NoError does.
func TestAHookThatEndsItsGoroutineLosesNoCallback(t *testing.T) {
	for name, hook := range map[string]Hook{
		"End":   {End: func(context.Context, CallEnd) { runtime.Goexit() }},
		"Panic": {Panic: func(context.Context, CallStart, *PanicError) { runtime.Goexit() }},
	} {
		t.Run(name, func(t *testing.T) {
			a := newAdapter(t, WithSlots(1), WithQueue(1), WithHook(hook))
			for _, opts := range [][]CallOption{nil, {Ordered(new(Window))}} {
				cb, got := into[int]()
				Go(bg, a, func(context.Context) (int, error) { panic(errTest) }, cb, opts...)
				wantErr(t, got, errTest)
			}
			head := block(t, a)
			waits, waited := quick(a)
			cb, refused := into[string]()
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				Go(bg, a, func(context.Context) (string, error) { return "", nil }, cb)
			}()
			await(t, ended)
			wantErr(t, refused, ErrOverloaded)
			head.release()
			wantValue(t, head.outcome, "blocked")
			wantValue(t, waited, "quick")
			await(t, waits.Done())
		})
	}
}

func TestAPanicInTheStartOfAHookReachesTheStarter(t *testing.T) {
	bad := true
	a := newAdapter(t, WithHook(Hook{Start: func(ctx context.Context, _ CallStart) context.Context {
		switch {
		case bad:
			panic("test")
		default:
			return ctx
		}
	}}))
	w := new(Window)
	mustPanic(t, "Go", func() { Go(bg, a, refusal(t), func(int, error) { t.Error("called back") }, Ordered(w)) })
	bad = false
	_, got := quick(a, Ordered(w)) // the window has no hole
	wantValue(t, got, "quick")
	if s := a.Stats(); s.Started != 1 {
		t.Errorf("%+v", s)
	}
	none := newAdapter(t, WithHook(Hook{Start: func(context.Context, CallStart) context.Context { return nil }}))
	mustPanic(t, "a Start that returns no context", func() { quick(none) })
}

func TestChildrenInheritHooksAndSiblingsDoNotShareThem(t *testing.T) {
	parent, one, two := new(heard), new(heard), new(heard)
	a := newAdapter(t, WithHook(parent.hook()), WithHook(parent.hook()), WithHook(parent.hook())) // an append has room
	first, second := a.Backend("first", WithHook(one.hook())), a.Backend("second", WithHook(two.hook()))
	grandchild := first.Backend("grandchild")
	for _, x := range []*Adapter{a, first, second, grandchild} {
		_, got := quick(x)
		wantValue(t, got, "quick")
	}
	names := func(h *heard) (names []string) {
		for _, end := range h.ends {
			names = append(names, end.Backend)
		}
		return slices.Compact(names)
	}
	if got := names(one); !slices.Equal(got, []string{"first", "grandchild"}) {
		t.Errorf("the first's hook heard of %v", got)
	}
	if got := names(two); !slices.Equal(got, []string{"second"}) {
		t.Errorf("the second's hook heard of %v", got)
	}
	if got := names(parent); !slices.Equal(got, []string{"default", "first", "second", "grandchild"}) {
		t.Errorf("the parent's hook heard of %v", got)
	}
}
