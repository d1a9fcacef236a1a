package sql

import (
	"context"
	"database/sql"

	"github.com/valet-go/valet/adapter"
)

// caller is what the calls on rows are started with: on a, and, for what holds
// a connection, in its lane.
type caller struct {
	a    *adapter.Adapter
	lane *adapter.Lane // nil: not held
}

// rows starts the calls whose result is rows: asyncgen's helper.
func rows(ctx context.Context, a *adapter.Adapter, lane *adapter.Lane, query func(context.Context) (*sql.Rows, error), cb func(*Rows, error), opts ...adapter.CallOption) *adapter.Call {
	return adapter.Go(ctx, a, func(ctx context.Context) (*Rows, error) {
		return openRows(ctx, caller{a, lane}, query)
	}, cb, append(opts, adapter.OnDrop(func(rows any) { rows.(*Rows).drop() }))...)
}

// row starts the calls whose result is one row: asyncgen's helper.
func row(ctx context.Context, a *adapter.Adapter, _ *adapter.Lane, query func(context.Context) (*sql.Rows, error), cb func(*Row, error), opts ...adapter.CallOption) *adapter.Call {
	return adapter.Go(ctx, a, func(ctx context.Context) (*Row, error) {
		rows, err := query(ctx)
		if err != nil {
			return nil, err
		}
		return oneRow(rows)
	}, cb, opts...)
}
