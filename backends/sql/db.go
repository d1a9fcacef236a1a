package sql

import (
	"context"
	"database/sql"

	"github.com/valet-go/valet/adapter"
)

//go:generate go run github.com/valet-go/valet/cmd/asyncgen -type DB,Conn,Tx,Stmt -rules sql.rules -table ../../docs/api-sql.md -sync syncsql/sync.go database/sql

// The types of database/sql that appear here.
type (
	Result    = sql.Result
	TxOptions = sql.TxOptions
	DBStats   = sql.DBStats
)

// ErrNoRows is reported by QueryRow when there is no row.
var ErrNoRows = sql.ErrNoRows

// New is [NewDB].
func New(a *adapter.Adapter, db *sql.DB) *DB { return NewDB(a, db) }

// Connect dials a connection if none is idle, and calls back when the server
// has answered, like [DB.Ping]. A nil cb is allowed.
func (db *DB) Connect(ctx context.Context, cb func(error)) *adapter.Call {
	return start(ctx, caller{a: db.a}, func(ctx context.Context) (struct{}, error) {
		return struct{}{}, db.x.PingContext(ctx)
	}, errOnly(cb), adapter.Name("Connect"))
}

// Close refuses further calls, waits for those that run or wait, closes the
// pool, and then calls cb, which may be nil. When ctx ends first, the calls end
// with [adapter.ErrClosed]. It does not block.
func (db *DB) Close(ctx context.Context, cb func(error)) {
	db.a.Refuse()
	go func() {
		err := db.a.Close(ctx)
		if closeErr := db.x.Close(); err == nil {
			err = closeErr
		}
		if cb != nil {
			adapter.Join(db.a, func(error) { cb(err) }) // of no calls: on the executor
		}
	}()
}
