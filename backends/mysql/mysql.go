// Package mysql is the MySQL driver github.com/go-sql-driver/mysql under
// callbacks. The driver is unmodified; its sockets are package fakesock's.
//
//	db, err := mysql.Open(a, "user:password@tcp(127.0.0.1:3306)/app")
//	...
//	db.QueryRow(ctx, "SELECT name FROM users WHERE id = ?", func(row *mysql.Row, err error) {
//		var name string
//		if err == nil {
//			err = row.Scan(&name)
//		}
//		...
//	}, id)
//
// All methods may be called from any goroutine, and none blocks; callbacks run
// on the adapter's executor. See backends/sql for lifetimes and transactions,
// which are the same for every database.
package mysql

import (
	stdsql "database/sql"
	"fmt"

	"github.com/go-sql-driver/mysql"

	"github.com/valet-go/valet/adapter"
	"github.com/valet-go/valet/backends/sql"
)

// The types of backends/sql and of the driver that programs name.
type (
	DB        = sql.DB
	Tx        = sql.Tx
	Stmt      = sql.Stmt
	Rows      = sql.Rows
	Row       = sql.Row
	Result    = sql.Result
	TxOptions = sql.TxOptions

	Config     = mysql.Config
	MySQLError = mysql.MySQLError
)

// ErrNoRows is what QueryRow reports without a row.
var ErrNoRows = sql.ErrNoRows

// DefaultMaxConns is the size of the pool that Open makes unless told
// otherwise.
const DefaultMaxConns = 32

// Option configures Open.
type Option func(*options)

type options struct {
	conns, queue int
	calls        []adapter.Option
}

// WithMaxConns sets how many connections the pool may have, idle ones
// included, and so how many calls run at once: at least 1; by default
// [DefaultMaxConns].
func WithMaxConns(n int) Option { return func(o *options) { o.conns = n } }

// WithQueue sets how many calls may wait for a connection, beyond which they
// fail with [adapter.ErrOverloaded]: 0 or more; by default
// [adapter.DefaultQueue].
func WithQueue(n int) Option { return func(o *options) { o.queue = n } }

// WithCalls sets how the pool's calls behave: by [adapter.WithCancel],
// [adapter.WithTimeout], [adapter.WithHook] and the like. What is not set is
// inherited from the adapter given to Open.
func WithCalls(opts ...adapter.Option) Option {
	return func(o *options) { o.calls = append(o.calls, opts...) }
}

// Open returns a pool for the DSN, in the driver's own syntax. Like
// [database/sql.Open] it does not dial; [DB.Connect] does. Errors: a DSN that is no
// good, or an option out of range.
func Open(a *adapter.Adapter, dsn string, opts ...Option) (*DB, error) {
	cfg, err := mysql.ParseDSN(dsn)
	if err != nil {
		return nil, fmt.Errorf("valet/mysql: the DSN: %w", err)
	}
	o := options{conns: DefaultMaxConns, queue: adapter.DefaultQueue}
	for _, opt := range opts {
		opt(&o)
	}
	switch {
	case o.conns < 1:
		return nil, fmt.Errorf("valet/mysql: WithMaxConns(%d): a pool needs at least one connection", o.conns)
	case o.queue < 0:
		return nil, fmt.Errorf("valet/mysql: WithQueue(%d): the bound cannot be negative", o.queue)
	}
	connector, err := NewConnector(a.Loop(), cfg)
	if err != nil {
		return nil, fmt.Errorf("valet/mysql: the DSN: %w", err)
	}
	db := stdsql.OpenDB(connector)
	db.SetMaxOpenConns(o.conns)
	db.SetMaxIdleConns(o.conns)
	calls := append(o.calls, adapter.WithSlots(o.conns), adapter.WithQueue(o.queue))
	return sql.New(a.Backend("mysql", calls...), db), nil
}
