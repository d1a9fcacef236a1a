package adapter

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/valet-go/valet/loop"
)

// eachOf runs Each to its end and returns what done got.
func eachOf(ctx context.Context, t *testing.T, s *Stream[int], item func(int) error) error {
	t.Helper()
	cb, got := into[struct{}]()
	s.Each(ctx, item, func(err error) { cb(struct{}{}, err) })
	err := await(t, got).err
	on(t, s.a, func() {})
	if len(got) > 0 {
		t.Error("done was called twice")
	}
	return err
}

func TestEachHandsOverAllItemsInOrderOnTheLoop(t *testing.T) {
	a := newAdapter(t)
	for _, batches := range []int{0, 1, 2, 300} {
		src := &source{batches: batches}
		want := 0
		err := eachOf(bg, t, src.stream(a), func(v int) error {
			if v != want || !a.Loop().OnLoop() {
				t.Errorf("item %d came as number %d, on the loop: %v", v, want, a.Loop().OnLoop())
			}
			want++
			return nil
		})
		if err != nil || want != batches*batchSize {
			t.Errorf("%d batches: done got %v after %d items", batches, err, want)
		}
		src.wantStopped(t)
	}
}

func TestEachFetchesAtMostOneBatchAhead(t *testing.T) {
	a := newAdapter(t)
	src := &source{batches: 100}
	err := eachOf(bg, t, src.stream(a), func(v int) error {
		for range 20 { // time for fetches that ought not to happen
			runtime.Gosched()
		}
		if most := int32(v/batchSize + 2); src.fetched.Load() > most {
			t.Errorf("fetched %d batches at item %d, want at most %d", src.fetched.Load(), v, most)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func TestEachFetchesWhileItemsAreHandled(t *testing.T) {
	src := &source{batches: 3}
	err := eachOf(bg, t, src.stream(newAdapter(t)), func(v int) error {
		if v == 0 {
			eventually(t, "the next batch is fetched", func() bool { return src.fetched.Load() == 2 })
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func TestEachEndsWithTheStreamsError(t *testing.T) {
	a := newAdapter(t)
	lost := fmt.Errorf("connection lost: %w", io.EOF) // not the end
	for _, want := range []error{errTest, lost} {
		src := &source{batches: 4, err: want}
		items := 0
		if err := eachOf(bg, t, src.stream(a), func(int) error { items++; return nil }); err != want || items != 12 {
			t.Errorf("done got %v after %d items, want %v after 12", err, items, want)
		}
		src.wantStopped(t)
	}
}

func TestEachEndsWithTheItemsError(t *testing.T) {
	a := newAdapter(t)
	for _, want := range []error{errTest, io.EOF} {
		for _, stopAt := range []int{0, 4, 5, 11} {
			src := &source{batches: 4}
			items := 0
			err := eachOf(bg, t, src.stream(a), func(v int) error {
				items++
				if v == stopAt {
					return want
				}
				return nil
			})
			if err != want || items != stopAt+1 {
				t.Errorf("done got %v after %d items, want %v after %d", err, items, want, stopAt+1)
			}
			src.wantStopped(t)
		}
	}
}

func TestEachEndsWithTheErrorOfStop(t *testing.T) {
	src := &source{batches: 2, stopErr: errTest}
	if err := eachOf(bg, t, src.stream(newAdapter(t)), func(int) error { return nil }); err != errTest {
		t.Errorf("done got %v, want the error of stop", err)
	}
}

func TestEachEndsWithItsContext(t *testing.T) {
	src := &source{batches: 1000}
	ctx, cancel := context.WithCancel(bg)
	items := 0
	err := eachOf(ctx, t, src.stream(newAdapter(t)), func(v int) error {
		if items++; v == 10*batchSize {
			cancel()
		}
		return nil
	})
	if !errors.Is(err, context.Canceled) || items > 12*batchSize {
		t.Errorf("done got %v after %d items", err, items)
	}
	src.wantStopped(t)
	src = &source{batches: 1}
	err = eachOf(ctx, t, src.stream(newAdapter(t)), func(int) error { t.Error("an item"); return nil })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("done got %v", err)
	}
	src.wantStopped(t)
}

func TestEachEndsWhenItsFetchPanics(t *testing.T) {
	src := &source{batches: 10, before: func(n int) {
		if n == 3 {
			panic("boom")
		}
	}}
	items := 0
	err := eachOf(bg, t, src.stream(newAdapter(t)), func(int) error { items++; return nil })
	if p := new(PanicError); !errors.As(err, &p) || items != 9 {
		t.Errorf("done got %v after %d items", err, items)
	}
	src.wantStopped(t)
}

func TestEachEndsWhenItsItemPanicsOrExits(t *testing.T) {
	var reported atomic.Int32
	a := New(startLoop(t, loop.WithPanicHandler(func(any, []byte) { reported.Add(1) })))
	closeAtEnd(t, a)
	for _, leave := range []func(){func() { panic("boom") }, runtime.Goexit} {
		src := &source{batches: 10}
		items := 0
		err := eachOf(bg, t, src.stream(a), func(v int) error {
			if items++; v == 4 {
				leave()
			}
			return nil
		})
		if !errors.Is(err, errItemPanicked) || items != 5 {
			t.Errorf("done got %v after %d items", err, items)
		}
		src.wantStopped(t)
	}
	if n := reported.Load(); n != 1 {
		t.Errorf("the loop reported %d panics, want 1", n)
	}
}

func TestCloseDuringEachEndsIt(t *testing.T) {
	src := &source{batches: 1000}
	s := src.stream(newAdapter(t))
	err := eachOf(bg, t, s, func(v int) error {
		if v == 10*batchSize {
			s.Close(nil)
		}
		return nil
	})
	if !errors.Is(err, ErrClosed) {
		t.Errorf("done got %v, want ErrClosed", err)
	}
	src.wantStopped(t)
}

func TestCloseOfTheBackendEndsEach(t *testing.T) {
	a := newAdapter(t)
	fetching, release := make(chan struct{}), make(chan struct{})
	src := &source{batches: 3, before: func(n int) {
		if n == 1 {
			close(fetching)
			<-release
		}
	}}
	cb, got := into[struct{}]()
	src.stream(a).Each(bg, func(int) error { return nil }, func(err error) { cb(struct{}{}, err) })
	await(t, fetching)
	ctx, cancel := context.WithCancel(bg)
	cancel()
	if err := a.Close(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Close = %v", err)
	}
	on(t, a, func() {}) // the fetch called back, and its callback closed the stream
	close(release)
	wantErr(t, got, ErrClosed)
	src.wantStopped(t)
}

// TestEachGivesOthersATurn has one batch of which every item takes a
// noticeable time, and a callback that posts itself again and again.
func TestEachGivesOthersATurn(t *testing.T) {
	a := newAdapter(t)
	const items = 32 * 64
	given := false
	s := NewStream(a, nil, func(context.Context) ([]struct{}, error) {
		if given {
			return nil, nil
		}
		given = true
		return make([]struct{}, items), nil
	}, func() error { return nil })

	handled, turns, last, longest := 0, 0, 0, 0 // on the loop
	over := false
	var other func()
	other = func() {
		if handled > 0 && !over {
			turns++
			longest = max(longest, handled-last)
		}
		last = handled
		if !over {
			if err := a.Loop().Post(other); err != nil {
				t.Error(err)
			}
		}
	}
	cb, got := into[struct{}]()
	on(t, a, other)
	s.Each(bg, func(struct{}) error {
		handled++
		for end := time.Now().Add(100 * time.Microsecond); time.Now().Before(end); {
		}
		return nil
	}, func(err error) { over = true; cb(struct{}{}, err) })
	if o := await(t, got); o.err != nil {
		t.Error(o.err)
	}
	// A turn is up to eachBudget, seen every eachCheck items: 31 or 63 of them.
	if longest > 2*eachCheck || turns < items/(2*eachCheck) {
		t.Errorf("%d turns for others, at most %d items between two", turns, longest)
	}
}

func TestEachOnAClosedExecutorStopsTheStream(t *testing.T) {
	a := newAdapter(t)
	second := startLoop(t)
	src := &source{batches: 1000}
	var items atomic.Int32
	src.stream(a.On(second)).Each(bg, func(int) error {
		if items.Add(1) == 10 {
			if err := second.Close(); err != nil {
				t.Error(err)
			}
		}
		return nil
	}, func(error) { t.Error("done was called on a closed executor") })
	eventually(t, "a callback was lost", func() bool { return a.Stats().Undelivered > 0 })
	src.wantStopped(t)
}
