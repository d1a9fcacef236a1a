package adapter

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
)

// source is what a stream of numbers comes from.
type source struct {
	batches int // of 3 items each, from 0
	err     error
	fetched atomic.Int32
	stopped atomic.Int32
	stopErr error
	before  func(fetch int) // or nil; called by each fetch
}

const batchSize = 3

func (s *source) stream(a *Adapter) *Stream[int] { return NewStream(a, nil, s.fetch, s.stop) }

func (s *source) fetch(ctx context.Context) ([]int, error) {
	n := int(s.fetched.Add(1)) - 1
	if s.before != nil {
		s.before(n)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if n >= s.batches {
		return nil, s.err
	}
	batch := make([]int, batchSize)
	for i := range batch {
		batch[i] = n*batchSize + i
	}
	return batch, nil
}

func (s *source) stop() error { s.stopped.Add(1); return s.stopErr }

func (s *source) wantStopped(t *testing.T) {
	t.Helper()
	eventually(t, "the stream is stopped", func() bool { return s.stopped.Load() > 0 })
	if n := s.stopped.Load(); n != 1 {
		t.Errorf("stopped %d times", n)
	}
}

func nextOf(s *Stream[int]) ([]int, error) {
	return Wait(func(cb func([]int, error)) { s.Next(bg, cb) })
}

func TestNextReturnsBatchesThenEOFForEver(t *testing.T) {
	src := &source{batches: 3}
	s := src.stream(newAdapter(t))
	for n := range 3 {
		batch, err := nextOf(s)
		if err != nil || !slices.Equal(batch, []int{3 * n, 3*n + 1, 3*n + 2}) {
			t.Errorf("batch %d is %v, %v", n, batch, err)
		}
	}
	for range 3 {
		if batch, err := nextOf(s); err != io.EOF || batch != nil {
			t.Errorf("at the end: %v, %v", batch, err)
		}
		src.wantStopped(t)
	}
	if err := WaitErr(func(cb func(error)) { s.Close(cb) }); err != nil {
		t.Errorf("Close = %v", err)
	}
	src.wantStopped(t)
	if n := src.fetched.Load(); n != 4 {
		t.Errorf("fetched %d times, want 4", n)
	}
}

func TestNextReportsTheErrorForEver(t *testing.T) {
	src := &source{batches: 1, err: errTest}
	s := src.stream(newAdapter(t))
	if _, err := nextOf(s); err != nil {
		t.Error(err)
	}
	for range 3 {
		if _, err := nextOf(s); err != errTest {
			t.Errorf("Next = %v, want errTest", err)
		}
	}
	src.wantStopped(t)
}

func TestNextReportsWhenEndingFails(t *testing.T) {
	src := &source{stopErr: errTest}
	s := src.stream(newAdapter(t))
	if _, err := nextOf(s); err != errTest {
		t.Errorf("Next = %v, want the error of stop", err)
	}
	if _, err := nextOf(s); err != io.EOF {
		t.Errorf("Next = %v, want io.EOF", err)
	}
}

func TestNextsStartedTogetherComeInOrder(t *testing.T) {
	a := newAdapter(t)
	src := &source{batches: 20}
	s := src.stream(a)
	var firsts []int
	done := make(chan struct{})
	for range 21 {
		s.Next(bg, func(batch []int, err error) {
			if err == io.EOF {
				close(done)
				return
			}
			firsts = append(firsts, batch[0])
		})
	}
	await(t, done)
	if len(firsts) != 20 || !slices.IsSorted(firsts) {
		t.Errorf("batches came as %v", firsts)
	}
}

func TestCloseStopsEarlyAndOnce(t *testing.T) {
	src := &source{batches: 5, stopErr: errTest}
	s := src.stream(newAdapter(t))
	if _, err := nextOf(s); err != nil {
		t.Error(err)
	}
	if err := WaitErr(func(cb func(error)) { s.Close(cb) }); err != errTest {
		t.Errorf("Close = %v, want the error of stop", err)
	}
	s.Close(nil)
	if err := WaitErr(func(cb func(error)) { s.Close(cb) }); err != nil {
		t.Errorf("the third Close = %v", err)
	}
	if _, err := nextOf(s); !errors.Is(err, ErrClosed) {
		t.Errorf("Next = %v, want ErrClosed", err)
	}
	src.wantStopped(t)
}

func TestStreamEndsOnAFullBackend(t *testing.T) {
	a := newAdapter(t, WithSlots(1), WithQueue(0))
	defer block(t, a).release()
	fetching, release := make(chan struct{}), make(chan struct{})
	src := &source{batches: 5, before: func(int) { close(fetching); <-release }}
	s := src.stream(a)
	s.Next(bg, func([]int, error) {})
	await(t, fetching)
	cb, got := into[struct{}]()
	s.Close(func(err error) { cb(struct{}{}, err) }) // waits for the fetch
	close(release)
	if o := await(t, got); o.err != nil {
		t.Errorf("Close = %v", o.err)
	}
	src.wantStopped(t)
}

func TestStreamWhoseCloseWasAbortedIsStopped(t *testing.T) {
	a := newAdapter(t)
	fetching, release := make(chan struct{}), make(chan struct{})
	src := &source{batches: 5, before: func(int) { close(fetching); <-release }}
	s := src.stream(a)
	s.Next(bg, func([]int, error) {})
	await(t, fetching)
	cb, got := into[struct{}]()
	s.Close(func(err error) { cb(struct{}{}, err) })
	ctx, cancel := context.WithCancel(bg)
	cancel()
	if err := a.Close(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Close = %v", err)
	}
	wantErr(t, got, ErrClosed)
	close(release)
	src.wantStopped(t)
}

func TestStreamSharesALane(t *testing.T) {
	a := newAdapter(t)
	var lane Lane
	head := block(t, a, Held(), In(&lane)) // a transaction's statement
	src := &source{batches: 1}
	s := NewStream(a, &lane, src.fetch, src.stop)
	cb, got := into[[]int]()
	s.Next(bg, cb)
	if src.fetched.Load() != 0 {
		t.Error("fetched out of turn")
	}
	head.release()
	if o := await(t, got); o.err != nil || len(o.value) != batchSize {
		t.Errorf("Next = %v", o)
	}
	s.Close(nil)
}

func TestFetchThatPanicsOrExitsEndsTheStream(t *testing.T) {
	for _, leave := range []func(int){func(int) { panic("boom") }, func(int) { runtime.Goexit() }} {
		src := &source{before: leave}
		s := src.stream(newAdapter(t))
		_, err := nextOf(s)
		if p := new(PanicError); !errors.As(err, &p) && !errors.Is(err, ErrGoexit) {
			t.Errorf("Next = %v", err)
		}
		if _, err := nextOf(s); !errors.Is(err, errStreamBroken) {
			t.Errorf("the next Next = %v, want errStreamBroken", err)
		}
		src.wantStopped(t)
	}
}

// collectors are the two forms of Collect.
var collectors = map[string]func(context.Context, *Stream[int], int, func([]int, error)) *Call{
	"Collect": func(ctx context.Context, s *Stream[int], limit int, cb func([]int, error)) *Call {
		return s.Collect(ctx, limit, cb)
	},
	"CollectFunc": func(ctx context.Context, s *Stream[int], limit int, cb func([]int, error)) *Call {
		return CollectFunc(ctx, s, limit, func(v int) (int, error) { return v, nil }, cb)
	},
}

func TestCollectGathersUpToItsLimit(t *testing.T) {
	a := newAdapter(t)
	for name, collect := range collectors {
		for limit, want := range map[int]int{-1: 12, 0: 12, 1: 1, 3: 3, 4: 4, 11: 11, 12: 12, 13: 12} {
			src := &source{batches: 4}
			all, err := Wait(func(cb func([]int, error)) { collect(bg, src.stream(a), limit, cb) })
			if err != nil || len(all) != want {
				t.Errorf("%s with limit %d = %v, %v, want %d items", name, limit, all, err, want)
			}
			for i, v := range all {
				if i != v {
					t.Errorf("%s with limit %d = %v", name, limit, all)
				}
			}
			src.wantStopped(t)
		}
	}
}

func TestCollectReportsAnError(t *testing.T) {
	a := newAdapter(t)
	lost := fmt.Errorf("connection lost: %w", io.EOF) // not the end
	for _, want := range []error{errTest, lost} {
		src := &source{batches: 2, err: want}
		all, err := Wait(func(cb func([]int, error)) { src.stream(a).Collect(bg, 0, cb) })
		if err != want || all != nil {
			t.Errorf("Collect = %v, %v, want the error", all, err)
		}
		src.wantStopped(t)
	}
}

func TestCollectThatNeverRunsClosesTheStream(t *testing.T) {
	a := newAdapter(t)
	src := &source{batches: 2}
	ctx, cancel := context.WithCancel(bg)
	cancel()
	if _, err := Wait(func(cb func([]int, error)) { src.stream(a).Collect(ctx, 0, cb) }); !errors.Is(err, context.Canceled) {
		t.Errorf("Collect = %v", err)
	}
	src.wantStopped(t)
}

func TestConversionThatFailsOrPanicsClosesTheStream(t *testing.T) {
	a := newAdapter(t)
	for _, convert := range []func(int) (int, error){
		func(int) (int, error) { return 0, errTest },
		func(int) (int, error) { panic(errTest) },
	} {
		src := &source{batches: 2}
		if _, err := Wait(func(cb func([]int, error)) { CollectFunc(bg, src.stream(a), 0, convert, cb) }); !errors.Is(err, errTest) {
			t.Errorf("CollectFunc = %v", err)
		}
		src.wantStopped(t)
	}
}

func TestStreamMisusePanics(t *testing.T) {
	a := newAdapter(t)
	src := &source{}
	mustPanic(t, "a nil fetch", func() { NewStream[int](a, nil, nil, src.stop) })
	mustPanic(t, "a nil stop", func() { NewStream(a, nil, src.fetch, nil) })
	mustPanic(t, "a nil item", func() { src.stream(a).Each(bg, nil, func(error) {}) })
	mustPanic(t, "a nil done", func() { src.stream(a).Each(bg, func(int) error { return nil }, nil) })
	mustPanic(t, "a nil callback", func() { src.stream(a).Collect(bg, 0, nil) })
}
