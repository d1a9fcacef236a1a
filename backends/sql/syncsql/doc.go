// Package syncsql is database/sql once more: its types have the same methods,
// with the same signatures, but each call goes through backends/sql, as a call
// with a callback, and is waited for. With it a program or a test suite that
// was written for database/sql runs through callbacks, to see that they do what
// it expects.
//
//	db := syncsql.NewDB(asyncDB) // a *sql.DB of backends/sql
//	rows, err := db.QueryContext(ctx, "SELECT name FROM users")
//	for rows.Next() {
//		err := rows.Scan(&name)
//	}
//
// Every method may be called from any goroutine, as database/sql's, and blocks.
// On the goroutine of a loop or front end, which would wait for itself, it fails
// with [github.com/valet-go/valet/loop.ErrWouldBlockLoop].
//
// # What differs
//
// Rows are read ahead, in batches: a small result holds no connection, when
// reading the first row fails the query does, and an error may be noticed that a
// program which skips the rest would not have met. A [Row] can be scanned again,
// and RawBytes are a copy.
// After DB.Close calls fail with [github.com/valet-go/valet/adapter.ErrClosed].
// Transactions whose context ends are rolled back, but calls of theirs that run
// then end first. A call that cannot be started, because its backend has too
// many that wait, fails with [github.com/valet-go/valet/adapter.ErrOverloaded].
package syncsql
