package sql

import (
	"context"
	"database/sql"

	"github.com/valet-go/valet/adapter"
)

// caller starts calls for a DB, a Tx or a Stmt: on a, and, for what holds a
// connection, in its lane and past admission.
type caller struct {
	a    *adapter.Adapter
	lane *adapter.Lane // nil: not held
}

// queryer is what sql.DB, sql.Tx and sql.Conn have in common.
type queryer interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	PrepareContext(ctx context.Context, query string) (*sql.Stmt, error)
}

// start is [adapter.Go] with the options that c needs.
func start[T any](ctx context.Context, c caller, body func(context.Context) (T, error), cb func(T, error), opts ...adapter.CallOption) *adapter.Call {
	if c.lane != nil {
		opts = append(opts, adapter.Held(), adapter.In(c.lane))
	}
	return adapter.Go(ctx, c.a, body, cb, opts...)
}

// act starts a call that has no result but an error. A nil cb is allowed.
func (c caller) act(ctx context.Context, name string, f func(context.Context) error, cb func(error)) *adapter.Call {
	return start(ctx, c, func(ctx context.Context) (struct{}, error) {
		return struct{}{}, f(ctx)
	}, errOnly(cb), adapter.Name(name))
}

// release starts a call that gives something up, which must happen even if a
// client has gone meanwhile. A nil cb is allowed.
func (c caller) release(name string, f func() error, cb func(error)) *adapter.Call {
	opts := []adapter.CallOption{adapter.Name(name), adapter.Releasing()}
	if c.lane != nil {
		opts = append(opts, adapter.In(c.lane))
	}
	return adapter.Go(context.Background(), c.a, func(context.Context) (struct{}, error) {
		return struct{}{}, f()
	}, errOnly(cb), opts...)
}

// errOnly makes a callback of one that wants the error only, or nothing.
func errOnly(cb func(error)) func(struct{}, error) {
	return func(_ struct{}, err error) {
		if cb != nil {
			cb(err)
		}
	}
}

func (c caller) exec(ctx context.Context, q queryer, query string, cb func(Result, error), args []any) *adapter.Call {
	return start(ctx, c, func(ctx context.Context) (Result, error) {
		return q.ExecContext(ctx, query, args...)
	}, cb, adapter.Name("Exec"))
}

func (c caller) query(ctx context.Context, q queryer, query string, cb func(*Rows, error), args []any) *adapter.Call {
	return c.rows(ctx, func(ctx context.Context) (*sql.Rows, error) {
		return q.QueryContext(ctx, query, args...)
	}, cb)
}

func (c caller) rows(ctx context.Context, f func(context.Context) (*sql.Rows, error), cb func(*Rows, error)) *adapter.Call {
	return start(ctx, c, func(ctx context.Context) (*Rows, error) {
		return openRows(ctx, c, f)
	}, cb, adapter.Name("Query"), adapter.OnDrop(func(rows any) { rows.(*Rows).drop() }))
}

func (c caller) queryRow(ctx context.Context, q queryer, query string, cb func(*Row, error), args []any) *adapter.Call {
	return c.row(ctx, func(ctx context.Context) (*sql.Rows, error) {
		return q.QueryContext(ctx, query, args...)
	}, cb)
}

func (c caller) row(ctx context.Context, f func(context.Context) (*sql.Rows, error), cb func(*Row, error)) *adapter.Call {
	return start(ctx, c, func(ctx context.Context) (*Row, error) {
		rows, err := f(ctx)
		if err != nil {
			return nil, err
		}
		return oneRow(rows)
	}, cb, adapter.Name("QueryRow"))
}

func (c caller) prepare(ctx context.Context, q queryer, query string, cb func(*Stmt, error)) *adapter.Call {
	return start(ctx, c, func(ctx context.Context) (*Stmt, error) {
		stmt, err := q.PrepareContext(ctx, query)
		if err != nil {
			return nil, err
		}
		return &Stmt{c, stmt}, nil
	}, cb, adapter.Name("Prepare"), adapter.OnDrop(func(stmt any) { stmt.(*Stmt).stmt.Close() }))
}
