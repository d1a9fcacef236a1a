// Package sql stands in for database/sql where the own tests of a driver are to
// be run through callbacks: it has the same names, but DB, Conn, Tx, Stmt, Rows
// and Row are those of syncsql, whose every call goes through backends/sql on one
// loop and adapter.
//
// Command upstream copies it beside its copy of a driver, as it does with package
// dialer, and lets the driver's tests import it as database/sql. So it may import
// nothing but that package and the library.
package sql

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"sync"

	"github.com/valet-go/valet/adapter"
	asyncsql "github.com/valet-go/valet/backends/sql"
	"github.com/valet-go/valet/backends/sql/syncsql"
	"github.com/valet-go/valet/cmd/upstream/dialer"
)

//go:generate go run github.com/valet-go/valet/cmd/asyncgen -alias alias.go -rules alias.rules database/sql

// The types whose methods go through callbacks.
type (
	// DB stands for [sql.DB].
	DB = syncsql.DB
	// Conn stands for [sql.Conn].
	Conn = syncsql.Conn
	// Tx stands for [sql.Tx].
	Tx = syncsql.Tx
	// Stmt stands for [sql.Stmt].
	Stmt = syncsql.Stmt
	// Rows stands for [sql.Rows].
	Rows = syncsql.Rows
	// Row stands for [sql.Row].
	Row = syncsql.Row
)

// slots is more than any test has connections: database/sql's own pool, which has
// no limit unless a test sets one, is what decides.
const slots = 1000

// theAdapter lives as long as the test program. It is on the loop of the sockets.
var theAdapter = sync.OnceValue(func() *adapter.Adapter { return adapter.New(dialer.Loop()) })

// Open is [sql.Open].
func Open(driverName, dataSourceName string) (*DB, error) {
	db, err := sql.Open(driverName, dataSourceName)
	if err != nil {
		return nil, err
	}
	return through(db), nil
}

// OpenDB is [sql.OpenDB].
func OpenDB(c driver.Connector) *DB { return through(sql.OpenDB(c)) }

// through makes what is asked of db calls with callbacks, which are counted.
func through(db *sql.DB) *DB {
	count := adapter.Hook{Start: func(ctx context.Context, _ adapter.CallStart) context.Context {
		dialer.CountCall()
		return ctx
	}}
	a := theAdapter().Backend("sql", adapter.WithSlots(slots), adapter.WithHook(count))
	return syncsql.NewDB(asyncsql.New(a, db))
}
