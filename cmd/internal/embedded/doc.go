// Package embedded starts database servers inside this process, so that the
// demo, the benchmarks and the tests need nothing installed: [StartMongo] is
// FerretDB over SQLite files, [StartMySQL] is go-mysql-server in memory.
//
//	my, err := embedded.StartMySQL()
//	...
//	defer my.Close()
//	db, err := sql.Open("mysql", my.DSN())
//
// Both listen on a free port of 127.0.0.1 only, and both are silent.
//
// # Limits
//
// They speak the wire protocols, they are not the real servers: FerretDB has
// no transactions, change streams or $lookup. go-mysql-server scans where
// MariaDB would use an index, so keep its tables to a few hundred rows, and
// statements that write one table on several connections at once lose rows: the
// last to commit wins. Package private starts the real ones.
package embedded
