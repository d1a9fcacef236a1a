package sql

import (
	"context"
	"database/sql"

	"github.com/valet-go/valet/adapter"
	"github.com/valet-go/valet/loop"
)

// The types of database/sql that appear here.
type (
	Result    = sql.Result
	TxOptions = sql.TxOptions
)

// ErrNoRows is reported by QueryRow when there is no row.
var ErrNoRows = sql.ErrNoRows

// DB is a pool of connections. It is a small view; [DB.On] returns another.
type DB struct {
	a  *adapter.Adapter
	db *sql.DB
}

// New wraps db. Its calls use the slots and the queue of a's backend, which
// [DB.Close] closes: make it with [adapter.Adapter.Backend], with as many slots
// as the pool has connections.
func New(a *adapter.Adapter, db *sql.DB) *DB { return &DB{a, db} }

// On returns a view of the same pool whose callbacks run on exec, such as a
// front end's connection.
func (db *DB) On(exec loop.Executor) *DB { return &DB{db.a.On(exec), db.db} }

// Unwrap returns the pool itself, for its settings and statistics.
func (db *DB) Unwrap() *sql.DB { return db.db }

// Connect dials a connection if none is idle, and calls back when the server
// has answered; [sql.DB.PingContext].
func (db *DB) Connect(ctx context.Context, cb func(error)) *adapter.Call {
	return db.exec().act(ctx, "Connect", db.db.PingContext, cb)
}

// Exec is [sql.DB.ExecContext].
func (db *DB) Exec(ctx context.Context, query string, cb func(Result, error), args ...any) *adapter.Call {
	return db.exec().exec(ctx, db.db, query, cb, args)
}

// Query is [sql.DB.QueryContext]. The rows hold a connection unless they fit
// into the first batch; see [Rows].
func (db *DB) Query(ctx context.Context, query string, cb func(*Rows, error), args ...any) *adapter.Call {
	return db.exec().query(ctx, db.db, query, cb, args)
}

// QueryRow is [sql.DB.QueryRowContext]; without a row, cb gets [ErrNoRows].
func (db *DB) QueryRow(ctx context.Context, query string, cb func(*Row, error), args ...any) *adapter.Call {
	return db.exec().queryRow(ctx, db.db, query, cb, args)
}

// Prepare is [sql.DB.PrepareContext]. The statement must be closed.
func (db *DB) Prepare(ctx context.Context, query string, cb func(*Stmt, error)) *adapter.Call {
	return db.exec().prepare(ctx, db.db, query, cb)
}

// BeginTx is [sql.DB.BeginTx]. ctx bounds the beginning, not the transaction,
// which must be ended by Commit or Rollback; opts may be nil.
func (db *DB) BeginTx(ctx context.Context, opts *TxOptions, cb func(*Tx, error)) *adapter.Call {
	return adapter.Go(ctx, db.a, func(ctx context.Context) (*Tx, error) {
		tx, err := db.db.BeginTx(ctx, opts) // ctx does not end once this has returned
		if err != nil {
			return nil, err
		}
		return &Tx{caller{db.a, new(adapter.Lane)}, tx}, nil
	}, cb, adapter.Name("BeginTx"), adapter.OnDrop(func(tx any) { _ = tx.(*Tx).tx.Rollback() }))
}

// Close refuses further calls, waits for those that run or wait, closes the
// pool, and then calls cb, which may be nil. When ctx ends first, the calls end
// with [adapter.ErrClosed]. It does not block.
func (db *DB) Close(ctx context.Context, cb func(error)) {
	db.a.Refuse()
	go func() {
		err := db.a.Close(ctx)
		if closeErr := db.db.Close(); err == nil {
			err = closeErr
		}
		if cb != nil {
			_ = db.a.Executor().Post(func() { cb(err) }) // a closed executor runs nothing
		}
	}()
}

func (db *DB) exec() caller { return caller{a: db.a} }
