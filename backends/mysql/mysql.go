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
