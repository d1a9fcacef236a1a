package adapter

import (
	"context"
	"errors"
	"runtime"
	"testing"

	"github.com/valet-go/valet/loop"
)

// closing calls Close on a goroutine of its own, and returns once it has begun.
func closing(ctx context.Context, t *testing.T, a *Adapter) chan error {
	t.Helper()
	result := make(chan error, 1)
	go func() { result <- a.Close(ctx) }()
	eventually(t, "Close has begun", func() bool { return refuses(a) })
	return result
}

func refuses(a *Adapter) bool {
	a.b.mu.Lock()
	defer a.b.mu.Unlock()
	return a.b.closing
}

func TestCloseWaitsForWhatWasAdmitted(t *testing.T) {
	a := newAdapter(t, WithSlots(1))
	var lane Lane
	head := block(t, a, In(&lane))
	_, queued := quick(a)
	_, inLane := quick(a, In(&lane))
	result := closing(bg, t, a)
	if len(result) > 0 {
		t.Error("Close returned while a body ran")
	}
	head.release()
	if err := await(t, result); err != nil {
		t.Errorf("Close = %v", err)
	}
	on(t, a, func() {}) // the callbacks were posted before Close returned
	for _, got := range []chan outcome[string]{head.outcome, queued, inLane} {
		if len(got) != 1 {
			t.Error("Close returned before a callback was posted")
			continue
		}
		if o := <-got; o.err != nil {
			t.Errorf("an admitted call got %v", o.err)
		}
	}
}

func TestCloseRefusesAllButHeldCalls(t *testing.T) {
	a := newAdapter(t)
	tx := block(t, a)
	result := closing(bg, t, a)
	_, refused := quick(a)
	wantErr(t, refused, ErrClosed)
	_, commit := quick(a, Held())
	wantValue(t, commit, "quick")
	tx.release()
	if err := await(t, result); err != nil {
		t.Errorf("Close = %v", err)
	}
	_, refused = quick(a)
	wantErr(t, refused, ErrClosed)
	_, commit = quick(a, Held())
	wantValue(t, commit, "quick")
}

func TestCloseOutOfPatienceEndsAllCallsOnce(t *testing.T) {
	a := newAdapter(t, WithSlots(2))
	var lane, waitingLane Lane
	running, held := block(t, a, In(&lane)), block(t, a, Held())
	also := block(t, a)
	got := []chan outcome[string]{running.outcome, held.outcome, also.outcome}
	for _, opts := range [][]CallOption{nil, {In(&lane)}, {In(&lane)}, {In(&waitingLane)}, {In(&waitingLane)}, {In(&waitingLane), Held()}} {
		cb, g := into[string]()
		Go(bg, a, func(context.Context) (string, error) { t.Error("a waiting body ran"); return "", nil }, cb, opts...)
		got = append(got, g)
	}
	ctx, cancel := context.WithCancel(bg)
	result := closing(ctx, t, a)
	cancel()
	if err := await(t, result); !errors.Is(err, context.Canceled) {
		t.Errorf("Close = %v, want the context's error", err)
	}
	for _, g := range got {
		wantErr(t, g, ErrClosed)
	}
	if s := a.Stats(); s.Running != 3 || s.Waiting != 0 {
		t.Errorf("%+v, want the 3 abandoned bodies and none waiting", s)
	}
	again := closing(bg, t, a)
	for _, b := range []*blocked{running, held, also} {
		b.release()
	}
	if err := await(t, again); err != nil { // waits for the abandoned
		t.Errorf("the second Close = %v", err)
	}
	on(t, a, func() {})
	for _, g := range got {
		if len(g) > 0 {
			t.Error("called back twice")
		}
	}
}

func TestCloseWithAnEndedContextIsFineWhenNothingRuns(t *testing.T) {
	a := newAdapter(t)
	ctx, cancel := context.WithCancel(bg)
	cancel()
	if err := a.Close(ctx); err != nil {
		t.Errorf("Close = %v", err)
	}
}

func TestCloseClosesTheBackendsMadeFromIt(t *testing.T) {
	a := newAdapter(t)
	child := a.Backend("child")
	grandchild := child.Backend("grandchild")
	own, grand := block(t, a), block(t, grandchild)
	result := closing(bg, t, a)
	eventually(t, "all refuse", func() bool { return refuses(child) && refuses(grandchild) }) // before any was waited for
	own.release()
	_, refused := quick(child)
	wantErr(t, refused, ErrClosed)
	if len(result) > 0 {
		t.Error("Close returned while a grandchild's body ran")
	}
	again := closing(bg, t, a) // waits for them, too
	eventually(t, "own body returned", func() bool { return a.Stats().Running == 0 })
	for range 100 {
		runtime.Gosched()
	}
	if len(again) > 0 {
		t.Error("the second Close returned while a grandchild's body ran")
	}
	_, refused = quick(a.Backend("latecomer"))
	wantErr(t, refused, ErrClosed)
	grand.release()
	for _, r := range []chan error{result, again} {
		if err := await(t, r); err != nil {
			t.Errorf("Close = %v", err)
		}
	}
}

func TestCloseOutOfPatienceReachesAllBackends(t *testing.T) {
	a := newAdapter(t)
	own, one, two := block(t, a), block(t, a.Backend("one")), block(t, a.Backend("two"))
	ctx, cancel := context.WithCancel(bg)
	cancel()
	if err := a.Close(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Close = %v", err)
	}
	for _, b := range []*blocked{own, one, two} {
		wantErr(t, b.outcome, ErrClosed)
		b.release()
	}
}

func TestCloseOfABackendLeavesItsParent(t *testing.T) {
	a := newAdapter(t)
	child := a.Backend("child")
	if err := child.Close(bg); err != nil {
		t.Fatal(err)
	}
	if n := len(a.b.children); n != 0 {
		t.Errorf("the parent still knows %d backends", n)
	}
	_, got := quick(a)
	wantValue(t, got, "quick")
}

// TestCloseReturnsAfterCancelledCallsWerePosted: whoever closes the executor
// next must not lose them.
func TestCloseReturnsAfterCancelledCallsWerePosted(t *testing.T) {
	for _, running := range []bool{false, true} {
		a := New(startLoop(t), WithSlots(1), WithCancel(Abandon))
		posting, post := make(chan struct{}), make(chan struct{})
		slow := a.On(elsewhere(func(func()) error {
			close(posting)
			<-post
			return nil
		}))
		var head *blocked
		var c *Call
		if running {
			head = block(t, slow)
			c = head.Call
		} else {
			head = block(t, a)
			c, _ = quick(slow)
		}
		go c.Cancel()
		await(t, posting)
		head.release()
		result := closing(bg, t, a)
		eventually(t, "nothing runs nor waits", func() bool { s := a.Stats(); return s.Running+s.Waiting == 0 })
		for range 100 {
			runtime.Gosched()
		}
		if len(result) > 0 {
			t.Errorf("Close returned before a cancelled call was posted (running: %v)", running)
		}
		close(post)
		if err := await(t, result); err != nil {
			t.Error(err)
		}
	}
}

func TestCloseEndsIdleWorkers(t *testing.T) {
	before := runtime.NumGoroutine()
	l := startLoop(t)
	a := New(l, WithSlots(8))
	for range 8 {
		defer block(t, a).release()
	}
	if err := func() error {
		ctx, cancel := context.WithCancel(bg)
		cancel()
		return a.Close(ctx)
	}(); !errors.Is(err, context.Canceled) {
		t.Errorf("Close = %v", err)
	}
	b := New(l, WithSlots(8))
	for range 8 {
		block(t, b).release()
	}
	eventually(t, "workers rest", func() bool { return b.Stats().Running == 0 && idle(b) > 0 })
	if err := b.Close(bg); err != nil {
		t.Error(err)
	}
	eventually(t, "only the loop and the 8 abandoned bodies are left", func() bool { return runtime.NumGoroutine() <= before+1+8+1 })
}

func TestCloseOnTheLoopFails(t *testing.T) {
	a := newAdapter(t)
	got := make(chan error, 1)
	a.Loop().Post(func() { got <- a.Close(bg) })
	if err := await(t, got); !errors.Is(err, loop.ErrWouldBlockLoop) {
		t.Errorf("Close = %v, want ErrWouldBlockLoop", err)
	}
}
