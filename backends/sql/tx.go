package sql

import (
	"context"
	"database/sql"

	"github.com/valet-go/valet/adapter"
	"github.com/valet-go/valet/loop"
)

// Tx is a transaction. Its calls run in the order in which they were started,
// one after another. It holds a connection until Commit or Rollback.
type Tx struct {
	c  caller
	tx *sql.Tx
}

// On returns a view of the transaction whose callbacks run on exec.
func (tx *Tx) On(exec loop.Executor) *Tx {
	view := *tx
	view.c.a = tx.c.a.On(exec)
	return &view
}

// Exec is [sql.Tx.ExecContext].
func (tx *Tx) Exec(ctx context.Context, query string, cb func(Result, error), args ...any) *adapter.Call {
	return tx.c.exec(ctx, tx.tx, query, cb, args)
}

// Query is [sql.Tx.QueryContext]. The rows must have ended, or be closed,
// before the transaction's next statement, as with most drivers.
func (tx *Tx) Query(ctx context.Context, query string, cb func(*Rows, error), args ...any) *adapter.Call {
	return tx.c.query(ctx, tx.tx, query, cb, args)
}

// QueryRow is [sql.Tx.QueryRowContext]; without a row, cb gets [ErrNoRows].
func (tx *Tx) QueryRow(ctx context.Context, query string, cb func(*Row, error), args ...any) *adapter.Call {
	return tx.c.queryRow(ctx, tx.tx, query, cb, args)
}

// Prepare is [sql.Tx.PrepareContext]. The statement lives as long as the
// transaction.
func (tx *Tx) Prepare(ctx context.Context, query string, cb func(*Stmt, error)) *adapter.Call {
	return tx.c.prepare(ctx, tx.tx, query, cb)
}

// Commit is [sql.Tx.Commit]. It is not bounded by a context: the driver's own
// timeouts bound it. A nil cb is allowed.
func (tx *Tx) Commit(cb func(error)) *adapter.Call {
	return tx.c.release("Commit", tx.tx.Commit, cb)
}

// Rollback is [sql.Tx.Rollback]. After Commit it reports [sql.ErrTxDone] and
// does nothing. A nil cb is allowed.
func (tx *Tx) Rollback(cb func(error)) *adapter.Call {
	return tx.c.release("Rollback", tx.tx.Rollback, cb)
}
