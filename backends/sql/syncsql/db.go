package syncsql

import (
	"context"
	"database/sql"

	"github.com/valet-go/valet/adapter"
	asyncsql "github.com/valet-go/valet/backends/sql"
)

// Close is [sql.DB.Close].
func (db *DB) Close() error {
	return adapter.WaitErr(func(cb func(error)) { db.x.Close(context.Background(), cb) })
}

// Begin is [sql.DB.Begin].
func (db *DB) Begin() (*Tx, error) { return db.BeginTx(context.Background(), nil) }

// BeginTx is [sql.DB.BeginTx]: when ctx ends, the transaction is rolled back.
func (db *DB) BeginTx(ctx context.Context, opts *sql.TxOptions) (*Tx, error) {
	return begin(ctx, func(cb func(*asyncsql.Tx, error)) { db.x.BeginTx(ctx, opts, cb) })
}

// BeginTx is [sql.Conn.BeginTx]: when ctx ends, the transaction is rolled back.
func (c *Conn) BeginTx(ctx context.Context, opts *sql.TxOptions) (*Tx, error) {
	return begin(ctx, func(cb func(*asyncsql.Tx, error)) { c.x.BeginTx(ctx, opts, cb) })
}

// begin ties a transaction to its context, as database/sql does and backends/sql
// does not.
func begin(ctx context.Context, start func(cb func(*asyncsql.Tx, error))) (*Tx, error) {
	tx, err := adapter.Wait(start)
	if err != nil {
		return nil, err
	}
	// After Commit this does nothing.
	context.AfterFunc(ctx, func() { tx.Rollback(nil) })
	return NewTx(tx), nil
}

// Close is [sql.Conn.Close].
func (c *Conn) Close() error {
	return adapter.WaitErr(func(cb func(error)) { c.x.Close(cb) })
}

// StmtContext is [sql.Tx.StmtContext]. It has no error to return: that of ctx
// comes when the statement is used.
func (tx *Tx) StmtContext(ctx context.Context, stmt *Stmt) *Stmt {
	v, err := adapter.Wait(func(cb func(*asyncsql.Stmt, error)) {
		tx.x.Stmt(context.WithoutCancel(ctx), stmt.unwrap(), cb)
	})
	if err != nil { // not the driver's
		panic(err)
	}
	return NewStmt(v)
}
