package sql

import (
	"context"
	"database/sql"
	"errors"
	"math"

	"github.com/valet-go/valet/adapter"
)

// Querier is what [Get], [Each] and [All] ask: a [DB], a [Conn], a [Tx], or a
// [Stmt], for which query must be "".
type Querier interface {
	ask(query string, args []any) (caller, func(context.Context) (*sql.Rows, error))
}

func (db *DB) ask(query string, args []any) (caller, func(context.Context) (*sql.Rows, error)) {
	return caller{a: db.a}, askOf(db.x, query, args)
}

func (c *Conn) ask(query string, args []any) (caller, func(context.Context) (*sql.Rows, error)) {
	return caller{c.a, c.lane}, askOf(c.x, query, args)
}

func (tx *Tx) ask(query string, args []any) (caller, func(context.Context) (*sql.Rows, error)) {
	return caller{tx.a, tx.lane}, askOf(tx.x, query, args)
}

// queryer is what DB, Conn and Tx of database/sql have in common.
type queryer interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

func askOf(q queryer, query string, args []any) func(context.Context) (*sql.Rows, error) {
	return func(ctx context.Context) (*sql.Rows, error) { return q.QueryContext(ctx, query, args...) }
}

func (s *Stmt) ask(query string, args []any) (caller, func(context.Context) (*sql.Rows, error)) {
	return caller{s.a, s.lane}, func(ctx context.Context) (*sql.Rows, error) {
		if query != "" {
			return nil, errStmtQuery
		}
		return s.x.QueryContext(ctx, args...)
	}
}

var errStmtQuery = errors.New(`valet/sql: a prepared statement has its query; want ""`)

// Get calls cb with the first row of a result as a T; without a row, with
// [ErrNoRows]. T is a struct whose fields are named as the columns are, whatever
// the case, or tagged with the column's name, `db:"name"`, or with "-" for none;
// fields of embedded structs count as well, as in Go. A column that has no field
// is an error, a field without a column stays zero. NULL needs a field that can
// hold it, such as a pointer. T may also be a pointer to such a struct; a map from
// string to whatever the columns can be scanned into, such as any; or, with one
// column, whatever that can be scanned into. The row is scanned on the adapter's
// goroutine.
func Get[T any](ctx context.Context, q Querier, query string, cb func(T, error), args ...any) *adapter.Call {
	c, ask := q.ask(query, args)
	return start(ctx, c, func(ctx context.Context) (v T, err error) {
		rows, err := ask(ctx)
		if err != nil {
			return v, err
		}
		defer rows.Close()
		scan, err := scannerOf[T](rows)
		if err != nil {
			return v, err
		}
		if !rows.Next() {
			if err = rows.Err(); err == nil {
				err = ErrNoRows
			}
			return v, err
		}
		var got T
		if err = scan(rows, &got); err != nil {
			return v, err
		}
		if err = rows.Close(); err != nil {
			return v, err
		}
		return got, nil
	}, cb, adapter.Name("Get"))
}

// All calls cb with all rows of a result, but at most limit, if limit is greater
// than 0, as T's; see [Get]. Without a row the slice is empty, not nil.
func All[T any](ctx context.Context, q Querier, query string, limit int, cb func([]T, error), args ...any) *adapter.Call {
	c, ask := q.ask(query, args)
	if limit <= 0 {
		limit = math.MaxInt
	}
	return start(ctx, c, func(ctx context.Context) (all []T, err error) {
		r, err := openWith(ctx, c, ask, func(r *Rows) error {
			scan, err := scannerOf[T](r.rows)
			if err != nil {
				return err
			}
			if all, err = readBatch(r, limit, scan); err != nil {
				return err
			}
			if r.more && r.failed == nil {
				return nil
			}
			return r.lookAhead()
		})
		if err != nil {
			return nil, err
		}
		if err = r.shut(); err != nil {
			return nil, err
		}
		if all == nil {
			all = []T{}
		}
		return all, nil
	}, cb, adapter.Name("All"))
}

// Each calls item with each row of a result as a T, see [Get], in order, and
// then done, as [adapter.Stream.Each] does. ctx bounds it all.
func Each[T any](ctx context.Context, q Querier, query string, item func(T) error, done func(error), args ...any) {
	if item == nil || done == nil {
		panic("valet/sql: Each needs both functions, not nil")
	}
	c, ask := q.ask(query, args)
	start(ctx, c, func(ctx context.Context) (*adapter.Stream[T], error) {
		t := &typed[T]{}
		r, err := openWith(ctx, c, ask, t.open)
		if err != nil {
			return nil, err
		}
		return adapter.NewStream(r.c.a, r.c.lane, t.fetch, r.shut), nil
	}, func(s *adapter.Stream[T], err error) {
		if err != nil {
			done(err)
			return
		}
		s.Each(ctx, item, done)
	}, adapter.Name("Each"), adapter.OnDrop(func(s any) { s.(*adapter.Stream[T]).Close(nil) }))
}

// typed are rows that are scanned while they are fetched. For bodies.
type typed[T any] struct {
	r    *Rows
	scan func(*sql.Rows, *T) error
	next []T // fetched by the query itself
}

func (t *typed[T]) open(r *Rows) (err error) {
	t.r = r
	if t.scan, err = scannerOf[T](r.rows); err == nil {
		t.next, err = readBatch(r, r.limit(), t.scan)
	}
	return err
}

// fetch is the stream's.
func (t *typed[T]) fetch(ctx context.Context) (batch []T, err error) {
	if batch, t.next = t.next, nil; len(batch) > 0 {
		return batch, nil
	}
	err = t.r.within(ctx, func() (err error) {
		if t.r.more {
			batch, err = readBatch(t.r, t.r.limit(), t.scan)
			return err
		}
		return t.r.lookAhead()
	})
	return batch, err
}
