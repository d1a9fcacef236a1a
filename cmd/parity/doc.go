// Package parity holds one body of tests, which is run twice: on the raw driver
// through database/sql, and on the callbacks of backends/sql, which
// backends/sql/syncsql waits for. It has no code of its own.
//
// A scenario is a list of steps. A step calls a method by its name on whatever
// object the side has, and leaves a line of what came back: values with their
// types, errors with the types, numbers and messages of all that they wrap, and
// which sentinels they are. The lines of both sides must be equal. Where they
// may not be, the step says why, and is counted; if it is equal nevertheless,
// that is reported, too.
//
// The suite runs against go-mysql-server, embedded, and a private MariaDB. What
// the former cannot run is listed in the output with the reason. At least nine of
// ten wrapped methods, those that docs/api-sql.md lists, must have been called,
// and their calls heard by a hook of the adapter; the output has the count, and
// what is missing.
package parity
