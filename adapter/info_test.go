package adapter

import (
	"context"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/valet-go/valet/internal/gid"
)

// infoOf returns what Calls says of the call with that name.
func infoOf(t *testing.T, a *Adapter, name string) CallInfo {
	t.Helper()
	var found []CallInfo
	for _, i := range a.Calls(1 << 10) {
		if i.Name == name {
			found = append(found, i)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%q is listed %d times", name, len(found))
	}
	return found[0]
}

// bodyThatIsLookedFor is a body whose name a stack must show.
func bodyThatIsLookedFor(number chan<- uint64, release <-chan struct{}) (int, error) {
	number <- gid.Number()
	<-release
	return 0, nil
}

func TestCallsListsEveryKindOfCall(t *testing.T) {
	parent := newAdapter(t)
	a := parent.Backend("db", WithSlots(2), WithLongSlots(1), WithQueue(10), WithAbandoned(1), WithGrace(time.Hour))
	before := time.Now()
	block(t, a, Name("running"))
	stops := block(t, a, Name("stopping"))
	stops.Cancel()
	gone := block(t, a, Name("abandoned"), Held(), CancelWith(Abandon))
	gone.Cancel()
	block(t, a, Name("long"), Long())
	quick(a, Name("waiting"))
	quick(a, Name("waiting long"), Long())
	for name, want := range map[string]CallInfo{
		"running":      {State: Running},
		"stopping":     {State: Stopping},
		"abandoned":    {State: Ended, Held: true, Abandoned: true},
		"long":         {State: Running, Long: true},
		"waiting":      {State: Waiting},
		"waiting long": {State: Waiting, Long: true},
	} {
		got := infoOf(t, parent, name)
		if (got.Goroutine == 0) != (want.State == Waiting) {
			t.Errorf("%s: on goroutine %d", name, got.Goroutine)
		}
		if now := time.Since(before); got.Age <= 0 || got.Age > now {
			t.Errorf("%s: %v old after %v", name, got.Age, now)
		}
		want.Backend, want.Name, want.Age, want.Goroutine = "db", name, got.Age, got.Goroutine
		if got != want {
			t.Errorf("%s: %+v, want %+v", name, got, want)
		}
	}
}

func TestStackIsThatOfTheBody(t *testing.T) {
	a := newAdapter(t)
	number, release := make(chan uint64, 1), make(chan struct{})
	c := Go(bg, a, func(context.Context) (int, error) { return bodyThatIsLookedFor(number, release) }, func(int, error) {}, Name("find"))
	n := await(t, number)
	info := infoOf(t, a, "find")
	if info.Goroutine != n {
		t.Errorf("on goroutine %d, not %d", info.Goroutine, n)
	}
	stack, err := info.Stack()
	if err != nil || !strings.Contains(stack, "bodyThatIsLookedFor") || strings.Contains(stack, t.Name()+"(") {
		t.Errorf("Stack = %v, %s", err, stack)
	}
	close(release)
	await(t, c.Done())
}

func TestThereIsNoStackWithoutAGoroutine(t *testing.T) {
	a := newAdapter(t, WithSlots(1))
	number, release := make(chan uint64, 1), make(chan struct{})
	c := Go(bg, a, func(context.Context) (int, error) {
		_, _ = bodyThatIsLookedFor(number, release)
		runtime.Goexit() // so that the goroutine ends
		return 0, nil
	}, func(int, error) {}, Name("exits"))
	await(t, number)
	quick(a, Name("waits"))
	if _, err := infoOf(t, a, "waits").Stack(); err == nil || !strings.Contains(err.Error(), `"waits" has no goroutine yet: it is waiting`) {
		t.Errorf("Stack = %v", err)
	}
	info := infoOf(t, a, "exits")
	close(release)
	await(t, c.Done())
	eventually(t, "its goroutine has ended", func() bool {
		_, err := info.Stack()
		return err != nil && strings.Contains(err.Error(), "has ended")
	})
}

func TestStackOfMoreThanOneBufferIsFound(t *testing.T) {
	a := newAdapter(t, WithSlots(300))
	for range 200 { // some 100 KB of stacks
		block(t, a)
	}
	block(t, a, Name("last"))
	if stack, err := infoOf(t, a, "last").Stack(); err != nil || !strings.Contains(stack, "blockWith") {
		t.Errorf("Stack = %v, %s", err, stack)
	}
}

func TestCallsListsOnlySomeOfTheWaiting(t *testing.T) {
	a := newAdapter(t, WithSlots(1), WithLongSlots(1))
	child := a.Backend("child", WithSlots(1))
	var lane Lane
	block(t, a, In(&lane))
	block(t, a, Long())
	block(t, child)
	for range 5 {
		quick(a, Name("in lane"), In(&lane))
		quick(a, Name("short"))
		quick(a, Name("long"), Long())
		quick(child, Name("child"))
	}
	for waiting, want := range map[int][4]int{-1: {}, 0: {}, 3: {3, 0, 0, 3}, 7: {5, 2, 0, 5}, 12: {5, 5, 2, 5}, 100: {5, 5, 5, 5}} {
		count := map[string]int{}
		for _, i := range a.Calls(waiting) {
			count[i.Name]++
		}
		if got := [4]int{count["in lane"], count["short"], count["long"], count["child"]}; got != want || count[""] != 3 {
			t.Errorf("Calls(%d) lists %v", waiting, count)
		}
	}
}

// TestCallsMayBeAskedAtAnyTime races with calls that start and end.
func TestCallsMayBeAskedAtAnyTime(t *testing.T) {
	a := newAdapter(t, WithSlots(2))
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := range 2000 {
			c, _ := quick(a, CancelWith(CancelPolicy(i%3)))
			if i%4 == 0 {
				c.Cancel()
			}
		}
	}()
	for asked := 0; ; asked++ {
		select {
		case <-done:
			t.Logf("asked %d times", asked)
			return
		default:
		}
		for _, i := range a.Calls(10) {
			if i.Age < 0 || i.State == Waiting && i.Goroutine != 0 {
				t.Fatalf("%+v", i)
			}
		}
	}
}
