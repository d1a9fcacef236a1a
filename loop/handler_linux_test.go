//go:build !valetportable

package loop

import (
	"errors"
	"os"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// pipe returns the two ends of a non-blocking pipe that the test closes.
func pipe(t testing.TB) (r, w int) {
	t.Helper()
	var p [2]int
	if err := unix.Pipe2(p[:], unix.O_NONBLOCK|unix.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(p[0]); unix.Close(p[1]) })
	return p[0], p[1]
}

func write(t testing.TB, fd int, s string) {
	t.Helper()
	if _, err := unix.Write(fd, []byte(s)); err != nil {
		t.Error(err)
	}
}

func TestHandlerIsLevelTriggeredByDefault(t *testing.T) {
	l := start(t)
	r, w := pipe(t)
	calls, done := 0, make(chan struct{})
	var h *Handle
	on(t, l, func() {
		var err error
		h, err = l.AddHandler(r, Readable, func(got Readiness) {
			if !l.OnLoop() || !got.Readable() {
				t.Errorf("called with %b, on the loop: %v", got, l.OnLoop())
			}
			if calls++; calls == 3 { // nothing was read: it is called again
				h.Remove()
				close(done)
			}
		})
		if err != nil {
			t.Error(err)
		}
	})
	write(t, w, "x")
	await(t, done)
	on(t, l, func() {})
	on(t, l, func() {
		if calls != 3 {
			t.Errorf("%d calls, the last ones after Remove", calls)
		}
	})
}

func TestEdgeReportsAChangeOnce(t *testing.T) {
	l := start(t)
	r, w := pipe(t)
	events := make(chan Readiness, 100)
	h, err := l.AddHandler(r, Readable|Edge, func(got Readiness) { events <- got })
	if err != nil {
		t.Fatal(err)
	}
	defer h.Remove()
	for range 3 {
		write(t, w, "x")
		await(t, events)
		on(t, l, func() {})
		on(t, l, func() {})
		if n := len(events); n != 0 {
			t.Fatalf("%d more events for one write", n)
		}
	}
}

func TestModifyChangesTheInterest(t *testing.T) {
	l := start(t)
	r, w := pipe(t)
	_ = r
	events := make(chan Readiness, 100)
	h, err := l.AddHandler(w, Readable|Edge, func(got Readiness) { events <- got })
	if err != nil {
		t.Fatal(err)
	}
	on(t, l, func() {})
	if len(events) != 0 {
		t.Fatal("a pipe's writing end was reported readable")
	}
	if err := h.Modify(Writable | Edge); err != nil {
		t.Fatal(err)
	}
	if got := await(t, events); !got.Writable() {
		t.Fatalf("reported %b", got)
	}
	if err := h.Remove(); err != nil {
		t.Fatal(err)
	}
	if err := h.Remove(); err != nil {
		t.Errorf("second Remove = %v", err)
	}
	if err := h.Modify(Readable); !errors.Is(err, ErrClosed) {
		t.Errorf("Modify after Remove = %v, want ErrClosed", err)
	}
}

func TestAHandlerCanRemoveAnotherThatIsReady(t *testing.T) {
	l := start(t)
	r1, w1 := pipe(t)
	r2, w2 := pipe(t)
	var a, b *Handle
	calls, done := 0, make(chan struct{})
	first := func(other **Handle) func(Readiness) {
		return func(Readiness) {
			if calls++; calls > 1 {
				t.Error("called after Remove")
			}
			a.Remove()
			b.Remove()
			close(done)
		}
	}
	on(t, l, func() {
		a, _ = l.AddHandler(r1, Readable, first(&b))
		b, _ = l.AddHandler(r2, Readable, first(&a))
		write(t, w1, "x") // both are ready in one poll
		write(t, w2, "x")
	})
	await(t, done)
	on(t, l, func() {})
}

func TestAReusedSlotGetsNoStaleEvent(t *testing.T) {
	l := start(t)
	r, w := pipe(t)
	write(t, w, "x")
	done := make(chan struct{})
	on(t, l, func() {
		old, err := l.AddHandler(r, Readable, func(Readiness) { t.Error("the removed handler was called") })
		if err != nil {
			t.Error(err)
			return
		}
		stale := l.poller.poll(nil) // harvested, not dispatched yet
		old.Remove()
		r2, _ := pipe(t)
		fresh, err := l.AddHandler(r2, Readable, func(Readiness) { t.Error("the new handler got the old event") })
		if err != nil || fresh.slot != old.slot {
			t.Errorf("slot %d was not reused (%v)", old.slot, err)
		}
		if len(stale) != 1 || len(l.handlers.resolve(stale, nil)) != 0 {
			t.Errorf("a stale event of %v was resolved", stale)
		}
		fresh.Remove()
		close(done)
	})
	await(t, done)
}

func TestAddHandlerErrors(t *testing.T) {
	l := start(t)
	f, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := l.AddHandler(int(f.Fd()), Readable, func(Readiness) {}); !errors.Is(err, unix.EPERM) {
		t.Errorf("a regular file: %v, want EPERM", err)
	}
	if _, err := l.AddHandler(1<<20, Readable, func(Readiness) {}); !errors.Is(err, unix.EBADF) {
		t.Errorf("no descriptor: %v, want EBADF", err)
	}
	r, _ := pipe(t)
	h, err := l.AddHandler(r, Readable, func(Readiness) {})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Remove()
	if _, err := l.AddHandler(r, Readable, func(Readiness) {}); !errors.Is(err, unix.EEXIST) {
		t.Errorf("registered twice: %v, want EEXIST", err)
	}
}

func TestCloseTellsEveryHandlerOnce(t *testing.T) {
	l := start(t)
	const n = 20
	told := [n]int{}
	for i := range n {
		r, _ := pipe(t)
		if _, err := l.AddHandler(r, Readable, func(got Readiness) {
			if got != LoopClosed || !l.OnLoop() {
				t.Errorf("told %b", got)
			}
			told[i]++
		}); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	for i, times := range told {
		if times != 1 {
			t.Errorf("handler %d was told %d times", i, times)
		}
	}
}

// A handler that is told of the loop's end may remove another, which then owns
// nothing any more.
func TestRemoveWhileTheLoopCloses(t *testing.T) {
	l := start(t)
	var handles [2]*Handle
	told := 0
	for i := range handles {
		r, _ := pipe(t)
		h, err := l.AddHandler(r, Readable, func(Readiness) {
			told++
			for _, h := range handles {
				if err := h.Remove(); err != nil {
					t.Error(err)
				}
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		handles[i] = h
	}
	l.Close()
	if told != 1 {
		t.Errorf("%d handlers were told", told)
	}
}

func TestHandlersFromManyGoroutines(t *testing.T) {
	l := start(t)
	var wg sync.WaitGroup
	for range 16 {
		r, w := pipe(t)
		wg.Go(func() {
			for range 200 {
				got := make(chan struct{}, 1)
				h, err := l.AddHandler(r, Readable|Edge, func(Readiness) {
					select {
					case got <- struct{}{}:
					default:
					}
				})
				if err != nil {
					t.Error(err)
					return
				}
				write(t, w, "x")
				await(t, got)
				if err := h.Remove(); err != nil {
					t.Error(err)
				}
				var b [16]byte
				unix.Read(r, b[:])
			}
		})
	}
	wg.Wait()
}

func TestALongQueueIsInterruptedByDispatch(t *testing.T) {
	l := start(t)
	r, w := pipe(t)
	ran, atEvent := 0, -1
	seen := make(chan struct{})
	h, err := l.AddHandler(r, Readable|Edge, func(Readiness) {
		atEvent = ran
		close(seen)
	})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Remove()
	const n = 4000
	on(t, l, func() {
		for i := range n {
			l.Post(func() {
				if ran++; i == 0 {
					write(t, w, "x")
				}
				for end := time.Now().Add(2 * time.Microsecond); time.Now().Before(end); {
				}
			})
		}
	})
	await(t, seen)
	on(t, l, func() {
		if ran != n || atEvent < 1 || atEvent == n {
			t.Errorf("the event was dispatched after %d of %d callbacks; all of %d ran", atEvent, n, ran)
		}
	})
}
