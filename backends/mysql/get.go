package mysql

import (
	"context"

	"github.com/valet-go/valet/adapter"
	"github.com/valet-go/valet/backends/sql"
)

// Querier is what Get, Each and All ask: a [DB], a [Tx], or a [Stmt], for which
// query must be "".
type Querier = sql.Querier

// Get calls cb with the first row of a result as a T, such as a struct; see
// [sql.Get] of backends/sql.
func Get[T any](ctx context.Context, q Querier, query string, cb func(T, error), args ...any) *adapter.Call {
	return sql.Get(ctx, q, query, cb, args...)
}

// All calls cb with all rows, but at most limit if that is greater than 0; see
// [sql.All] of backends/sql.
func All[T any](ctx context.Context, q Querier, query string, limit int, cb func([]T, error), args ...any) *adapter.Call {
	return sql.All(ctx, q, query, limit, cb, args...)
}

// Each calls item with each row, and then done; see [sql.Each] of backends/sql.
func Each[T any](ctx context.Context, q Querier, query string, item func(T) error, done func(error), args ...any) {
	sql.Each(ctx, q, query, item, done, args...)
}
