package parity

import (
	"database/sql"
	"time"
)

var dbScenarios = []scenario{
	{name: "statements change and read rows", run: dbStatements},
	{name: "the pool has settings and numbers", run: dbSettings},
	{name: "a closed DB refuses", run: dbClosed},
	{name: "database/sql's short methods do the same", run: dbShort},
}

func dbStatements(p *program) {
	p.do(p.db, "PingContext", bg)
	p.table("people", "id INT PRIMARY KEY AUTO_INCREMENT, name VARCHAR(50), age INT")
	p.do(p.db, "ExecContext", bg, "INSERT INTO people (name, age) VALUES (?, ?), (?, ?)", "Ada", 36, "Alan", 41)
	p.do(p.db, "ExecContext", bg, "INSERT INTO people (name, age) VALUES (?, ?)", "Grace", nil)
	p.do(p.db, "ExecContext", bg, "UPDATE people SET age = age + 1 WHERE age > ?", 30)
	p.do(p.db, "ExecContext", bg, "UPDATE people SET age = age WHERE age > ?", 30) // changes nothing
	p.do(p.db, "ExecContext", bg, "DELETE FROM people WHERE name = ?", "nobody")
	p.read(p.query("SELECT id, name, age FROM people ORDER BY id"))
	p.read(p.query("SELECT id, name, age FROM people WHERE age > ? ORDER BY id", 0))
	p.read(p.query("SELECT id FROM people WHERE 1 = 0"))
	var n int
	p.ask(p.db, "SELECT COUNT(*) FROM people", nil, &n)
	p.ask(p.db, "SELECT COUNT(*) FROM people WHERE name IN (?, ?)", []any{"Ada", "Alan"}, &n)
	p.idle()
	p.do(p.db, "Stats")
}

func dbShort(p *program) {
	p.do(p.db, "Ping")
	p.table("short", "id INT PRIMARY KEY")
	p.do(p.db, "Exec", "INSERT INTO short VALUES (?), (?)", 1, 2)
	p.read(p.must(p.db, "Query", "SELECT id FROM short ORDER BY id"))
	var n int
	p.do(p.one(p.db, "QueryRow", "SELECT id FROM short WHERE id = ?", 2), "Scan", &n)
	stmt := p.must(p.db, "Prepare", "SELECT id FROM short WHERE id > ?")
	p.read(p.must(stmt, "Query", 0))
	p.do(p.one(stmt, "QueryRow", 1), "Scan", &n)
	p.do(stmt, "Close")
	stmt = p.must(p.db, "Prepare", "INSERT INTO short VALUES (?)")
	p.do(stmt, "Exec", 7)
	p.do(stmt, "Exec", 7)

	tx := p.must(p.db, "Begin")
	p.do(tx, "Exec", "INSERT INTO short VALUES (?)", 3)
	p.read(p.must(tx, "Query", "SELECT id FROM short ORDER BY id"))
	p.do(p.one(tx, "QueryRow", "SELECT id FROM short WHERE id = ?", 3), "Scan", &n)
	own := p.must(tx, "Stmt", stmt)
	p.do(own, "Exec", 8)
	p.do(own, "Close")
	of := p.must(tx, "Prepare", "SELECT COUNT(*) FROM short")
	p.do(p.one(of, "QueryRow"), "Scan", &n)
	p.do(tx, "Rollback")
	p.do(stmt, "Close")
	p.do(p.one(p.db, "QueryRow", "SELECT COUNT(*) FROM short"), "Scan", &n)
}

func dbSettings(p *program) {
	p.do(p.db, "Driver")
	p.do(p.db, "SetMaxOpenConns", 3)
	p.do(p.db, "SetMaxIdleConns", 1)
	p.do(p.db, "Stats")
	var conns []any
	for range 3 {
		conns = append(conns, p.must(p.db, "Conn", bg))
	}
	p.do(p.db, "Stats")
	for _, c := range conns {
		p.do(c, "Close")
	}
	p.do(p.db, "Stats") // one is idle, two were closed
	p.do(p.db, "SetMaxIdleConns", 0)
	p.do(p.db, "Stats")
	p.do(p.db, "SetMaxIdleConns", 2)
	p.do(p.db, "SetConnMaxLifetime", time.Nanosecond) // what comes back has lived too long
	p.do(p.db, "PingContext", bg)
	p.do(p.db, "SetConnMaxLifetime", time.Duration(0))
	p.do(p.db, "SetConnMaxIdleTime", time.Hour)
	eventually(p.t, "no connection open", func() bool { return p.stats().OpenConnections == 0 })
	p.do(p.db, "PingContext", bg)
	p.do(p.db, "Stats")
}

const closedReason = "a closed backend refuses with adapter.ErrClosed before database/sql is asked"

func dbClosed(p *program) {
	p.closed = true
	stmt := p.must(p.db, "PrepareContext", bg, "SELECT ?")
	c := p.must(p.db, "Conn", bg)
	p.do(c, "PingContext", bg)
	p.do(c, "Close")
	p.do(p.db, "Close")
	p.do(p.db, "Close")
	p.differs(closedReason).do(p.db, "PingContext", bg)
	p.differs(closedReason).do(p.db, "ExecContext", bg, "SELECT 1")
	p.differs(closedReason).do(p.db, "QueryContext", bg, "SELECT 1")
	p.differs(closedReason).do(p.db, "PrepareContext", bg, "SELECT 1")
	p.differs(closedReason).do(p.db, "BeginTx", bg, (*sql.TxOptions)(nil))
	p.differs(closedReason).do(p.db, "Conn", bg)
	p.differs(closedReason).do(stmt, "ExecContext", bg, 1)
	row := p.one(p.db, "QueryRowContext", bg, "SELECT 1")
	p.differs(closedReason).do(row, "Err")
	p.differs(closedReason).do(row, "Scan", new(int))
	p.do(c, "PingContext", bg)
	p.do(p.db, "Stats")
}
