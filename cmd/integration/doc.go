// Package integration holds the tests of the backends against servers, the
// embedded ones of package embedded and the real ones of package private, with
// the unmodified drivers; it has no code of its own.
//
// What is proven against which server: rows, conversions, statements,
// transactions and errors of MySQL against go-mysql-server and MariaDB; large
// results, several writers, kills and all faults (a server killed, restarted, stopped,
// unreachable) against MariaDB alone; MongoDB against FerretDB; go-redis
// against Redis and miniredis; pgx against PostgreSQL, with TLS and without;
// net/http, HTTP/2 included, and crypto/tls against themselves. The last three
// run the same tests over Go's own sockets. A test whose server is not installed is skipped,
// or fails if VALET_REQUIRE_ALL is 1.
package integration
