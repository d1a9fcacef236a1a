package parity

import (
	"database/sql"
	"os"
	"path/filepath"
)

var errorScenarios = []scenario{
	{name: "the server's errors arrive unchanged", run: errorServer},
	{name: "arguments must be as many as are wanted", run: errorArguments},
	{name: "arguments must be as many as are interpolated", params: "interpolateParams=true", run: errorArguments},
	{name: "LOAD DATA needs a handler", params: "multiStatements=true", run: errorInfile},
	{name: "a server that does not let in is reported", run: errorAccess},
	{name: "warnings can be read", run: errorWarnings},
}

func errorServer(p *program) {
	p.table("errs", "id INT PRIMARY KEY, name VARCHAR(5) NOT NULL, age TINYINT UNSIGNED, UNIQUE KEY (name)", "(1, 'one', 1)")
	c := p.must(p.db, "Conn", bg)
	tx := p.must(p.db, "BeginTx", bg, (*sql.TxOptions)(nil))
	for _, query := range []string{
		"SELEKT 1", "SELECT", "SELECT * FROM no_such_table", "SELECT no_such_column FROM errs",
		"SELECT no_such_function(1)", "INSERT INTO errs VALUES (1, 'two', 2)", "INSERT INTO errs VALUES (2, 'one', 2)",
		"INSERT INTO errs VALUES (2, NULL, 2)", "INSERT INTO errs VALUES (2)", "INSERT INTO errs VALUES (3, 'too long', 2)",
		"INSERT INTO errs VALUES (4, 'x', 1000)", "CREATE TABLE errs (id INT)", "DROP TABLE no_such_table",
		"USE no_such_database", "CALL no_such_procedure()", "SELECT 1 FROM errs GROUP BY no_such_column", "", "-- only a comment",
	} {
		for _, x := range []any{p.db, c, tx} {
			p.do(x, "ExecContext", bg, query)
			rows := p.one(x, "QueryContext", bg, query)
			if p.err == nil {
				p.do(rows, "Next")
				p.do(rows, "Err")
				p.do(rows, "Close")
			}
			p.ask(x, query, nil, new(any))
			stmt := p.one(x, "PrepareContext", bg, query)
			if p.err == nil {
				p.do(stmt, "ExecContext", bg)
				p.do(stmt, "Close")
			}
		}
	}
	p.do(tx, "Rollback")
	p.do(c, "Close")
	p.read(p.query("SELECT * FROM errs"))
}

func errorArguments(p *program) {
	p.table("few", "id INT")
	tx := p.must(p.db, "BeginTx", bg, (*sql.TxOptions)(nil))
	for _, x := range []any{p.db, tx} {
		p.do(x, "ExecContext", bg, "INSERT INTO few VALUES (?)")
		p.do(x, "ExecContext", bg, "INSERT INTO few VALUES (?)", 1, 2)
		p.do(x, "ExecContext", bg, "INSERT INTO few VALUES (1)", 1)
		p.do(x, "QueryContext", bg, "SELECT ?, ?", 1)
		p.do(x, "QueryContext", bg, "SELECT 1", 1)
		p.ask(x, "SELECT ?", nil, new(int))
		p.ask(x, "SELECT ?", []any{1, 2}, new(int))
	}
	p.do(tx, "Rollback")
}

func errorInfile(p *program) {
	p.table("loads", "id INT")
	file := filepath.Join(os.TempDir(), "valet-no-such-file")
	load := "LOAD DATA LOCAL INFILE '" + file + "' INTO TABLE loads"
	p.do(p.db, "ExecContext", bg, load)
	p.do(p.db, "ExecContext", bg, "LOAD DATA LOCAL INFILE 'Reader::nobody' INTO TABLE loads")
	p.consume(p.db, load)
	tx := p.must(p.db, "BeginTx", bg, (*sql.TxOptions)(nil))
	p.do(tx, "ExecContext", bg, load)
	p.do(tx, "ExecContext", bg, "DO 1")
	p.do(tx, "Rollback")
	p.do(p.db, "ExecContext", bg, "DO 1")
}

func errorAccess(p *program) {
	if p.srv.real {
		p.exec("CREATE USER IF NOT EXISTS parity@'127.0.0.1' IDENTIFIED BY 'right'")
	}
	other := p.other("parity", "wrong")
	p.do(other, "PingContext", bg)
	p.do(other, "ExecContext", bg, "DO 1")
	p.do(other, "QueryContext", bg, "SELECT 1")
	p.do(other, "PrepareContext", bg, "SELECT 1")
	p.do(other, "BeginTx", bg, (*sql.TxOptions)(nil))
	p.do(other, "Conn", bg)
	p.ask(other, "SELECT 1", nil, new(int))
}

func errorWarnings(p *program) {
	c := p.must(p.db, "Conn", bg)
	p.do(c, "ExecContext", bg, "SET SESSION sql_mode = ''")
	p.table("warn", "id TINYINT")
	p.do(c, "ExecContext", bg, "INSERT INTO warn VALUES (1000)")
	p.read(p.must(c, "QueryContext", bg, "SHOW WARNINGS"))
	p.do(c, "Close")
}
