package parity

import (
	"context"
	"database/sql"
	"fmt"
	"sync/atomic"
	"time"
)

var contextScenarios = []scenario{
	{name: "an ended context starts nothing", run: contextEnded},
	{name: "an ending context stops what the server does", run: contextEnds, embedded: "it does not show what it runs in MySQL's processlist"},
	{name: "a deadline stops what the server does", run: contextDeadline},
	{name: "an ended context ends its rows", run: contextRows},
	{name: "an ended context ends its transaction", run: contextTx},
	{name: "a context that ends late ends nothing", run: contextLate},
}

func (p *program) context() (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(bg)
	p.t.Cleanup(cancel)
	return ctx, cancel
}

func contextEnded(p *program) {
	p.table("ctx_ended", "id INT PRIMARY KEY")
	canceled, cancel := p.context()
	cancel()
	past, cancel2 := context.WithDeadline(bg, time.Unix(0, 0))
	defer cancel2()
	because, cancel3 := context.WithCancelCause(bg)
	cancel3(errScanner)
	stmt := p.must(p.db, "PrepareContext", bg, "SELECT ?")
	c := p.must(p.db, "Conn", bg)
	tx := p.must(p.db, "BeginTx", bg, (*sql.TxOptions)(nil))
	for _, ctx := range []context.Context{canceled, past, because} {
		p.do(p.db, "Conn", ctx)
		p.do(p.db, "PingContext", ctx)
		p.do(c, "PingContext", ctx)
		for _, x := range []any{p.db, c, tx} {
			p.do(x, "ExecContext", ctx, "INSERT INTO ctx_ended VALUES (1)")
			p.do(x, "QueryContext", ctx, "SELECT 1")
			p.do(x, "PrepareContext", ctx, "SELECT 1")
			row := p.one(x, "QueryRowContext", ctx, "SELECT 1")
			p.do(row, "Err")
			p.do(row, "Scan", new(int))
			if x != tx {
				p.do(x, "BeginTx", ctx, (*sql.TxOptions)(nil))
			}
		}
		p.do(stmt, "ExecContext", ctx, 1)
		p.do(stmt, "QueryContext", ctx, 1)
		row := p.one(stmt, "QueryRowContext", ctx, 1)
		p.do(row, "Scan", new(int))
		own := p.one(tx, "StmtContext", ctx, stmt)
		p.do(own, "ExecContext", ctx, 1)
	}
	p.do(tx, "ExecContext", bg, "INSERT INTO ctx_ended VALUES (2)") // all are good
	p.do(tx, "Commit")
	p.do(c, "PingContext", bg)
	p.do(c, "Close")
	p.do(stmt, "Close")
	p.read(p.query("SELECT * FROM ctx_ended"))
}

// marks are of both sides: the server may go on with what the other left.
var marks atomic.Int64

func contextEnds(p *program) {
	c := p.must(p.db, "Conn", bg)
	tx := p.must(p.db, "BeginTx", bg, (*sql.TxOptions)(nil))
	for _, x := range []any{p.db, c, tx} {
		for _, method := range []string{"ExecContext", "QueryContext", "QueryRowContext"} {
			if x != p.db && method != "ExecContext" {
				continue // its connection is lost
			}
			ctx, cancel := p.context()
			mark := fmt.Sprintf("/* mark %d */", marks.Add(1))
			wait := p.start(x, method, ctx, "DO SLEEP(40) "+mark)
			p.until("SELECT COUNT(*) FROM information_schema.processlist WHERE state = 'User sleep' AND info LIKE ?", "%"+mark+"%")
			cancel()
			if v := wait(); method == "QueryRowContext" {
				p.do(v[0], "Err")
			}
		}
	}
	p.do(c, "ExecContext", bg, "DO 1")
	p.do(c, "Close")
	p.do(tx, "ExecContext", bg, "DO 1")
	p.do(tx, "Commit")
	p.do(p.db, "ExecContext", bg, "DO 1")
}

func contextDeadline(p *program) {
	for _, method := range []string{"ExecContext", "QueryContext"} {
		ctx, cancel := context.WithTimeout(bg, 100*time.Millisecond)
		p.do(p.db, method, ctx, "SELECT SLEEP(5)")
		cancel()
	}
	ctx, cancel := context.WithTimeout(bg, 100*time.Millisecond)
	row := p.one(p.db, "QueryRowContext", ctx, "SELECT SLEEP(5)")
	p.do(row, "Scan", new(int))
	cancel()
	p.do(p.db, "PingContext", bg)
}

func contextRows(p *program) {
	p.numbers(600)
	for _, n := range []int{2, 600} {
		ctx, cancel := p.context()
		rows := p.must(p.db, "QueryContext", ctx, "SELECT n FROM numbers WHERE n < ? ORDER BY n", n)
		p.do(rows, "Next")
		p.do(rows, "Scan", new(int))
		cancel()
		p.idle()
		p.do(rows, "Next")
		p.do(rows, "Err")
		p.do(rows, "Scan", new(int))
		p.do(rows, "Columns")
		p.do(rows, "NextResultSet")
		p.do(rows, "Close")
		p.do(rows, "Err")
	}
}

func contextTx(p *program) {
	p.table("ctx_tx", "id INT PRIMARY KEY")
	for _, end := range []string{"Commit", "Rollback"} {
		ctx, cancel := p.context()
		tx := p.must(p.db, "BeginTx", ctx, (*sql.TxOptions)(nil))
		stmt := p.must(tx, "PrepareContext", bg, "SELECT ?")
		p.do(tx, "ExecContext", bg, "INSERT INTO ctx_tx VALUES (1)")
		cancel()
		p.idle()
		p.do(tx, "ExecContext", bg, "INSERT INTO ctx_tx VALUES (2)")
		p.do(tx, "QueryContext", bg, "SELECT 1")
		p.do(stmt, "QueryContext", bg, 1)
		p.do(tx, end)
		p.do(stmt, "Close")
		p.read(p.query("SELECT * FROM ctx_tx"))
	}
}

func contextLate(p *program) {
	p.table("ctx_late", "id INT PRIMARY KEY")
	ctx, cancel := p.context()
	tx := p.must(p.db, "BeginTx", ctx, (*sql.TxOptions)(nil))
	p.do(tx, "ExecContext", ctx, "INSERT INTO ctx_late VALUES (1)")
	p.do(tx, "Commit")
	stmt := p.must(p.db, "PrepareContext", ctx, "SELECT id FROM ctx_late WHERE id = ?")
	c := p.must(p.db, "Conn", ctx)
	cancel()
	p.do(c, "PingContext", bg)
	p.do(c, "Close")
	p.ask(stmt, "", []any{1}, new(int))
	p.do(stmt, "Close")
	p.do(tx, "Rollback")
}
