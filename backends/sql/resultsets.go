package sql

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/valet-go/valet/adapter"
)

// follow says whether another result set follows the current one.
type follow uint8

const (
	none      follow = iota
	mayFollow        // the driver thinks so
	follows          // it has begun
)

// sets is what the rows know of their result sets on all goroutines.
type sets struct {
	mu      sync.Mutex // guards closing and kept
	closing bool       // Close was called
	kept    bool       // the stream has ended, but the rows are open: another set follows

	following atomic.Bool
}

// HasNextResultSet reports whether another result set follows; it is known once
// the current one has been read to its end. Then the rows still hold their
// connection, until NextResultSet or Close.
func (r *Rows) HasNextResultSet() bool { return r.sets.following.Load() }

// NextResultSet goes on to the next result set, of a query with several
// statements or of a stored procedure, and skips what is left of the current
// one. cb is told whether there is one; from then on the methods of the stream,
// Columns and ColumnTypes are about it. At the end of the last one, or with an
// error, the rows are closed. It must not be called while Each or another
// method reads.
func (r *Rows) NextResultSet(ctx context.Context, cb func(more bool, err error)) *adapter.Call {
	if cb == nil {
		panic("valet/sql: NextResultSet needs a callback, not nil")
	}
	return start(ctx, r.c, r.nextSet, func(s *adapter.Stream[*Row], err error) {
		if s != nil {
			r.Stream, r.shown = s, r.head
		} else if err != nil { // the body may never have run
			r.Close(nil)
		}
		cb(s != nil, err)
	}, adapter.Name("NextResultSet"), adapter.OnDrop(func(any) { r.drop() }))
}

// nextSet is a body. It returns nil at the end.
func (r *Rows) nextSet(ctx context.Context) (s *adapter.Stream[*Row], err error) {
	defer func() {
		if s == nil {
			if shutErr := r.shut(); err == nil {
				err = shutErr
			}
		}
	}()
	r.sets.mu.Lock()
	closing := r.sets.closing
	r.sets.kept = false
	r.sets.mu.Unlock()
	r.sets.following.Store(false)
	if closing {
		return nil, adapter.ErrClosed
	}
	r.next = nil
	err = r.within(ctx, func() error {
		if r.follow != follows && !r.advance() {
			return r.rows.Err()
		}
		r.more, r.follow = true, none
		return r.open()
	})
	if err != nil || r.head == nil {
		return nil, err
	}
	return r.stream(), nil
}

// advance begins the next result set.
func (r *Rows) advance() bool {
	r.head = nil
	r.more = false
	return r.rows.NextResultSet()
}

// lookAhead finds out whether what may follow does. That is left until the end
// of the current set has been asked for, because it may take long.
func (r *Rows) lookAhead() error {
	if r.failed != nil {
		return r.failed
	}
	if r.follow != mayFollow {
		return nil
	}
	if r.rows.NextResultSet() {
		r.follow = follows
		return nil
	}
	return r.rows.Err()
}

// stop is the stream's. Whether it ends with its result set or by Close is all
// that matters here: in the former case the rows stay open if another follows.
func (r *Rows) stop() error {
	if r.follow == follows && r.keep() {
		return nil
	}
	return r.shut()
}

// keep reports whether the rows may stay open, which nobody may want any more.
func (r *Rows) keep() bool {
	r.sets.mu.Lock()
	defer r.sets.mu.Unlock()
	if r.sets.closing || r.c.a.Executor().Post(func() {}) != nil {
		return false
	}
	r.sets.kept = true
	r.sets.following.Store(true)
	return true
}

// Close ends the rows, after what was started before, and calls cb with the
// error of ending them. It may be called at any time, and again. A nil cb is
// allowed.
func (r *Rows) Close(cb func(error)) *adapter.Call {
	r.sets.mu.Lock()
	r.sets.closing = true
	kept := r.sets.kept
	r.sets.mu.Unlock()
	if !kept {
		return r.Stream.Close(cb)
	}
	var ran atomic.Bool
	return r.c.release("Close", func() error {
		ran.Store(true)
		r.sets.following.Store(false)
		return r.shut()
	}, func(err error) {
		if !ran.Load() { // as in the stream's Close
			r.Close(nil)
		}
		if cb != nil {
			cb(err)
		}
	})
}
