// Package sql is database/sql under callbacks: what the packages for
// particular databases, such as backends/mysql, share.
//
// A [DB] wraps a [*sql.DB] of package database/sql, whose semantics it keeps:
// pooling, prepared statements, conversions, errors. Each method that would
// block takes a callback instead, as its last fixed parameter, and returns a
// [*adapter.Call]; DB.Close and Each return nothing. All methods are there, most
// of them generated: docs/api-sql.md lists them, with what differs and why.
// Package syncsql, below this one, has them as database/sql has.
//
// # Goroutines
//
// Every method may be called from any goroutine, and none blocks. Callbacks
// run on the executor of the adapter, or the one given to [DB.On].
//
// # Lifetimes
//
// A call's context bounds that call. The life of what it returns, rows, a
// transaction or a statement, does not depend on it: so that a "defer cancel"
// beside [DB.BeginTx] does not roll back by surprise. It must be ended by its
// own methods, like an open file.
//
// # Transactions and connections
//
// The calls of a transaction, or of a [Conn] and its transactions, run in the
// order in which they were started, one after another; they take no slots, so
// that those who wait for a connection cannot keep out a commit that would free
// one.
package sql
