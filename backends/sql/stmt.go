package sql

import (
	"context"
	"database/sql"

	"github.com/valet-go/valet/adapter"
	"github.com/valet-go/valet/loop"
)

// Stmt is a prepared statement of a [DB] or a [Tx].
type Stmt struct {
	c    caller
	stmt *sql.Stmt
}

// On returns a view of the statement whose callbacks run on exec.
func (s *Stmt) On(exec loop.Executor) *Stmt {
	return &Stmt{caller{s.c.a.On(exec), s.c.lane}, s.stmt}
}

// Exec is [sql.Stmt.ExecContext].
func (s *Stmt) Exec(ctx context.Context, cb func(Result, error), args ...any) *adapter.Call {
	return start(ctx, s.c, func(ctx context.Context) (Result, error) {
		return s.stmt.ExecContext(ctx, args...)
	}, cb, adapter.Name("Exec"))
}

// Query is [sql.Stmt.QueryContext].
func (s *Stmt) Query(ctx context.Context, cb func(*Rows, error), args ...any) *adapter.Call {
	return s.c.rows(ctx, func(ctx context.Context) (*sql.Rows, error) {
		return s.stmt.QueryContext(ctx, args...)
	}, cb)
}

// QueryRow is [sql.Stmt.QueryRowContext]; without a row, cb gets [ErrNoRows].
func (s *Stmt) QueryRow(ctx context.Context, cb func(*Row, error), args ...any) *adapter.Call {
	return s.c.row(ctx, func(ctx context.Context) (*sql.Rows, error) {
		return s.stmt.QueryContext(ctx, args...)
	}, cb)
}

// Close is [sql.Stmt.Close]. A nil cb is allowed.
func (s *Stmt) Close(cb func(error)) *adapter.Call {
	return s.c.release("Close", s.stmt.Close, cb)
}
