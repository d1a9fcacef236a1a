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
//
// # Cancelling
//
// With the policy [adapter.Close], the default, the driver closes the connection
// of a query that is cancelled, and the server goes on with it. With
// [adapter.Kill] the server is told to stop it, over a connection of its own, and
// the connection is kept, a transaction on it included:
//
//	mysql.Open(a, dsn, mysql.WithCalls(adapter.WithCancel(adapter.Kill)))
//
// That works for all that uses connections of [NewConnector] in the body of a
// call. The same user must be able to open one more connection, at the address of
// the connection that is meant.
//
// # Pools of others
//
// [Use] takes a pool that exists. What has a [*sql.DB] of database/sql, such as
// GORM or the code that sqlc generates, runs in bodies that share the pool's slots:
//
//	adapter.Go(ctx, db.Adapter(), func(ctx context.Context) (User, error) {
//		return queries.GetUser(ctx, id) // of sqlc
//	}, cb)
package mysql

import "github.com/valet-go/valet/backends/sql"

//go:generate go run github.com/valet-go/valet/cmd/asyncgen -alias alias.go github.com/go-sql-driver/mysql

// The types of backends/sql; alias.go has the driver's.
type (
	DB        = sql.DB
	Conn      = sql.Conn
	Tx        = sql.Tx
	Stmt      = sql.Stmt
	Rows      = sql.Rows
	Row       = sql.Row
	Result    = sql.Result
	TxOptions = sql.TxOptions
)

// ErrNoRows is what QueryRow reports without a row.
var ErrNoRows = sql.ErrNoRows
