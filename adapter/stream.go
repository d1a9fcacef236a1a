package adapter

import (
	"context"
	"errors"
	"io"
	"sync/atomic"
	"time"

	"github.com/valet-go/valet/loop"
)

// Stream is a call with many results, such as the rows of a query, which come
// in batches when they are asked for. What produces them holds its connection
// until the stream ends: at its end, at an error of the fetch, or by
// [Stream.Close], which must be called unless one of the others came first. If
// the executor is closed and a callback of the stream's is lost, the stream is
// closed.
//
// Methods may be called from any goroutine; callbacks run on the executor of
// the adapter. A stream's calls are held, and run one after another.
type Stream[T any] struct {
	a     *Adapter
	lane  *Lane
	fetch func(context.Context) ([]T, error)
	stop  func() error
	over  error // set by a body: why there is nothing more to fetch
}

// Batching of [Stream.Each].
const (
	// eachBudget is how long a stream may occupy its executor before other
	// callbacks get a turn.
	eachBudget = time.Millisecond
	// eachCheck is after how many items the clock is read.
	eachCheck = 8
)

// NewStream returns a stream of what fetch returns: a batch, nil or a bare
// [io.EOF] for the end, or an error. Both functions may block and run on the
// adapter's goroutines, never at the same time. stop is called once, when the
// stream ends, and its error is reported by Close. What a batch holds must not
// be overwritten by a later fetch. A lane that is not nil orders the stream's
// calls among others, such as those of its transaction.
func NewStream[T any](a *Adapter, lane *Lane, fetch func(context.Context) ([]T, error), stop func() error) *Stream[T] {
	if fetch == nil || stop == nil {
		panic("adapter: NewStream needs both functions, not nil")
	}
	if lane == nil {
		lane = new(Lane)
	}
	s := &Stream[T]{lane: lane, fetch: fetch, stop: stop}
	view := *a // and so with the life of a's executor
	view.exec = &streamExecutor{Executor: a.exec, orphaned: func() { s.Close(nil) }}
	s.a = &view
	return s
}

// streamExecutor is the executor of a stream's calls. When it loses a callback
// because it is closed, nobody is left to close the stream, so it does that.
type streamExecutor struct {
	loop.Executor
	lost     atomic.Bool
	orphaned func()
}

func (e *streamExecutor) Post(fn func()) error {
	err := e.Executor.Post(fn)
	if err != nil && e.lost.CompareAndSwap(false, true) {
		e.orphaned()
	}
	return err
}

// Next fetches a batch, which is not empty, and calls cb with it; at the end
// with [io.EOF], and then again however often it is called. ctx bounds this
// fetch only. Cancelling a Next whose fetch runs loses the batch.
func (s *Stream[T]) Next(ctx context.Context, cb func([]T, error)) *Call {
	return Go(ctx, s.a, s.next, cb, Held(), In(s.lane))
}

// next is a body.
func (s *Stream[T]) next(ctx context.Context) ([]T, error) {
	if s.over != nil {
		return nil, s.over
	}
	ended := false
	defer func() {
		if !ended { // fetch panicked or left
			s.end(errStreamBroken)
		}
	}()
	batch, err := s.fetch(ctx)
	ended = true
	switch {
	case err != nil:
		s.end(err)
		return nil, err
	case len(batch) == 0:
		if err := s.end(io.EOF); err != nil {
			return nil, err
		}
		return nil, io.EOF
	}
	return batch, nil
}

var errStreamBroken = errors.New("adapter: a fetch of the stream did not return")

// end stops what produces the results, once. In a body.
func (s *Stream[T]) end(why error) error {
	if s.over != nil {
		return nil
	}
	s.over = why
	return s.stop()
}

// Close ends the stream, after what was started before, and calls cb with the
// error of ending it. It may be called at any time, and again. A nil cb is
// allowed.
func (s *Stream[T]) Close(cb func(error)) *Call {
	var ran atomic.Bool
	return Go(context.Background(), s.a, func(context.Context) (struct{}, error) {
		ran.Store(true)
		return struct{}{}, s.end(ErrClosed)
	}, func(_ struct{}, err error) {
		if !ran.Load() { // the backend's Close ended it while it waited for a fetch
			s.Close(nil)
		}
		if cb != nil {
			cb(err)
		}
	}, Releasing(), In(s.lane))
}

// Each calls item with all that is left, in order, and then done: with nil at
// the end of the stream, with the stream's error, or with the error by which
// item stopped it. The stream is then closed. While one batch is handled the
// next is fetched, and no more. Every millisecond other callbacks get a turn.
// ctx bounds it all.
func (s *Stream[T]) Each(ctx context.Context, item func(T) error, done func(error)) {
	if item == nil || done == nil {
		panic("adapter: Each needs both functions, not nil")
	}
	e := &each[T]{s: s, ctx: ctx, item: item, done: done}
	e.pull()
}

// each is a running Each. It belongs to the executor.
type each[T any] struct {
	s       *Stream[T]
	ctx     context.Context
	item    func(T) error
	done    func(error)
	batch   []T // being handled
	ahead   []T // fetched meanwhile
	err     error
	fetched bool // ahead or err have come
	busy    bool // batch is being handled, perhaps between two turns
}

func (e *each[T]) pull() {
	e.fetched = false
	e.s.Next(e.ctx, func(batch []T, err error) {
		e.ahead, e.err, e.fetched = batch, err, true
		if !e.busy {
			e.advance()
		}
	})
}

// advance goes on to what was fetched.
func (e *each[T]) advance() {
	switch {
	case e.err == io.EOF: // not errors.Is: a lost connection's error may wrap it
		e.finish(nil)
		return
	case e.err != nil:
		e.finish(e.err)
		return
	}
	e.batch, e.ahead, e.busy = e.ahead, nil, true
	e.pull()
	e.turn()
}

// turn handles items until the batch or the time is used up.
func (e *each[T]) turn() {
	returned := false
	defer func() {
		if !returned { // item panicked; its executor reports that
			e.finish(errItemPanicked)
		}
	}()
	stopAt := time.Now().Add(eachBudget)
	for i, v := range e.batch {
		if i%eachCheck == eachCheck-1 && time.Now().After(stopAt) {
			e.batch = e.batch[i:]
			_ = e.s.a.exec.Post(func() { onExecutor(e.turn) }) // else the executor closes the stream
			returned = true
			return
		}
		if err := e.item(v); err != nil {
			returned = true
			e.finish(err)
			return
		}
	}
	returned = true
	e.batch, e.busy = nil, false
	if e.fetched {
		e.advance()
	}
}

var errItemPanicked = errors.New("adapter: the function given to Each did not return")

// finish closes the stream and reports why it ended.
func (e *each[T]) finish(why error) {
	if e.done == nil {
		return
	}
	done := e.done
	e.done, e.busy = nil, true
	e.s.Close(func(err error) {
		if why != nil {
			err = why
		}
		done(err)
	})
}

// Collect calls cb with all that is left, but at most limit items, if limit is
// greater than 0; then the stream is closed. ctx bounds it all. The items are
// gathered on the adapter's goroutines.
func (s *Stream[T]) Collect(ctx context.Context, limit int, cb func([]T, error)) *Call {
	return CollectFunc(ctx, s, limit, func(v T) (T, error) { return v, nil }, cb)
}

// CollectFunc is [Stream.Collect] with a conversion of each item, which is
// made on the adapter's goroutines as well, and whose error ends the stream.
func CollectFunc[T, U any](ctx context.Context, s *Stream[T], limit int, convert func(T) (U, error), cb func([]U, error)) *Call {
	if convert == nil || cb == nil {
		panic("adapter: CollectFunc needs both functions, not nil")
	}
	return Go(ctx, s.a, func(ctx context.Context) ([]U, error) {
		all := []U{}
		for {
			batch, err := s.next(ctx)
			if err == io.EOF { // see advance
				return all, nil
			}
			if err != nil {
				return nil, err
			}
			for _, v := range batch {
				u, err := convert(v)
				if err != nil {
					_ = s.end(err) // the conversion's error is the one to report
					return nil, err
				}
				if all = append(all, u); len(all) == limit {
					return all, s.end(ErrClosed)
				}
			}
		}
	}, func(all []U, err error) {
		if err != nil { // the body may never have run, or have been left by convert
			s.Close(nil)
		}
		cb(all, err)
	}, Held(), In(s.lane))
}
