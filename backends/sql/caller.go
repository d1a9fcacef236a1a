package sql

import (
	"context"
	"database/sql"

	"github.com/valet-go/valet/adapter"
)

// caller starts calls: on a, and, for what holds a connection, in its lane and
// past admission.
type caller struct {
	a    *adapter.Adapter
	lane *adapter.Lane // nil: not held
}

// start is [adapter.Go] with the options that c needs.
func start[T any](ctx context.Context, c caller, body func(context.Context) (T, error), cb func(T, error), opts ...adapter.CallOption) *adapter.Call {
	return adapter.Go(ctx, c.a, body, cb, inLane(c.lane), adapter.Options(opts...))
}

// release starts a call that gives something up, which must happen even if a
// client has gone meanwhile. A nil cb is allowed.
func (c caller) release(name string, f func() error, cb func(error)) *adapter.Call {
	return start(context.Background(), c, func(context.Context) (struct{}, error) {
		return struct{}{}, f()
	}, errOnly(cb), adapter.Name(name), adapter.Releasing())
}

// rows starts the calls whose result is rows: a helper of what is generated.
func rows(ctx context.Context, a *adapter.Adapter, lane *adapter.Lane, query func(context.Context) (*sql.Rows, error), cb func(*Rows, error), opts ...adapter.CallOption) *adapter.Call {
	return adapter.Go(ctx, a, func(ctx context.Context) (*Rows, error) {
		return openRows(ctx, caller{a, lane}, query)
	}, cb, adapter.Options(opts...), adapter.OnDrop(func(rows any) { rows.(*Rows).drop() }))
}

// row starts the calls whose result is one row: a helper of what is generated.
func row(ctx context.Context, a *adapter.Adapter, _ *adapter.Lane, query func(context.Context) (*sql.Rows, error), cb func(*Row, error), opts ...adapter.CallOption) *adapter.Call {
	return adapter.Go(ctx, a, func(ctx context.Context) (*Row, error) {
		rows, err := query(ctx)
		if err != nil {
			return nil, err
		}
		return oneRow(rows)
	}, cb, adapter.Options(opts...))
}
