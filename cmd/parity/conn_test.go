package parity

import (
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
)

var connScenarios = []scenario{
	{name: "a Conn keeps its session", run: connSession},
	{name: "a Conn has transactions and statements", run: connTx},
	{name: "a closed Conn refuses", run: connClosed},
	{name: "Raw hands out the driver's connection", run: connRaw},
	{name: "a Conn that the server closed is given up", run: connKilled},
}

func connSession(p *program) {
	c := p.must(p.db, "Conn", bg)
	p.do(c, "PingContext", bg)
	p.do(c, "ExecContext", bg, "SET @x = 42")
	var n int
	p.ask(c, "SELECT @x", nil, &n)
	p.ask(c, "SELECT @x + ?", []any{1}, &n)
	p.read(p.must(c, "QueryContext", bg, "SELECT @x, 'text', NULL"))
	p.do(c, "ExecContext", bg, "SELEKT")
	p.do(c, "QueryContext", bg, "SELECT * FROM no_such_table")
	p.ask(c, "SELECT @x", nil, &n)
	p.do(p.db, "Stats")
	p.do(c, "Close")
	p.do(p.db, "Stats")
}

func connTx(p *program) {
	p.table("conn_tx", "id INT PRIMARY KEY")
	c := p.must(p.db, "Conn", bg)
	tx := p.must(c, "BeginTx", bg, (*sql.TxOptions)(nil))
	p.do(tx, "ExecContext", bg, "INSERT INTO conn_tx VALUES (1)")
	p.do(tx, "Commit")
	tx = p.must(c, "BeginTx", bg, &sql.TxOptions{})
	p.do(tx, "ExecContext", bg, "INSERT INTO conn_tx VALUES (2)")
	p.do(tx, "Rollback")
	stmt := p.must(c, "PrepareContext", bg, "SELECT COUNT(*) FROM conn_tx WHERE id >= ?")
	var n int
	p.ask(stmt, "", []any{0}, &n)
	p.read(p.must(stmt, "QueryContext", bg, 1))
	p.do(stmt, "Close")
	p.do(stmt, "Close")
	p.do(stmt, "ExecContext", bg, 1)
	p.do(c, "PrepareContext", bg, "SELEKT ?")
	p.do(c, "Close")
}

func connClosed(p *program) {
	c := p.must(p.db, "Conn", bg)
	stmt := p.must(c, "PrepareContext", bg, "SELECT ?")
	p.do(c, "Close")
	p.do(c, "Close")
	p.do(c, "PingContext", bg)
	p.do(c, "ExecContext", bg, "DO 1")
	p.do(c, "QueryContext", bg, "SELECT 1")
	p.do(c, "PrepareContext", bg, "SELECT 1")
	p.do(c, "BeginTx", bg, (*sql.TxOptions)(nil))
	p.do(c, "Raw", func(any) error { return nil })
	p.ask(c, "SELECT 1", nil, new(int))
	p.do(stmt, "QueryContext", bg, 1)
	p.do(stmt, "ExecContext", bg, 1)
	p.do(stmt, "Close")
}

func connRaw(p *program) {
	refused := errors.New("refused")
	c := p.must(p.db, "Conn", bg)
	p.do(c, "Raw", func(conn any) error {
		_, ping := conn.(driver.Pinger)
		_, exec := conn.(driver.ExecerContext)
		_, query := conn.(driver.QueryerContext)
		_, begin := conn.(driver.ConnBeginTx)
		_, prepare := conn.(driver.ConnPrepareContext)
		_, reset := conn.(driver.SessionResetter)
		_, valid := conn.(driver.Validator)
		_, check := conn.(driver.NamedValueChecker)
		p.note("the connection has %v", []bool{ping, exec, query, begin, prepare, reset, valid, check})
		return nil
	})
	p.do(c, "Raw", func(any) error { return refused })
	p.do(c, "PingContext", bg) // it is still good
	p.do(c, "Raw", func(any) error { return fmt.Errorf("wrapped: %w", driver.ErrBadConn) })
	p.do(c, "PingContext", bg)
	p.do(c, "Raw", func(any) error { return driver.ErrBadConn })
	p.do(c, "PingContext", bg)
	p.do(c, "Close")
	p.do(p.db, "PingContext", bg)
}

func connKilled(p *program) {
	c := p.must(p.db, "Conn", bg)
	var id int
	if err := c.(interface{ Raw(func(any) error) error }).Raw(func(conn any) error {
		rows, err := conn.(driver.QueryerContext).QueryContext(bg, "SELECT CONNECTION_ID()", nil)
		if err != nil {
			return err
		}
		defer rows.Close()
		values := make([]driver.Value, 1)
		if err := rows.Next(values); err != nil {
			return err
		}
		_, err = fmt.Sscan(asText(values[0]), &id)
		return err
	}); err != nil {
		p.t.Fatal(err)
	}
	if _, err := p.watcher().Exec(fmt.Sprint("KILL ", id)); err != nil {
		p.t.Fatal(err)
	}
	p.until("SELECT COUNT(*) = 0 FROM information_schema.processlist WHERE id = ?", id)
	p.do(c, "ExecContext", bg, "DO 1")
	p.do(c, "ExecContext", bg, "DO 1")
	p.do(c, "Close")
	p.do(p.db, "ExecContext", bg, "DO 1") // over another one
}

// asText is a driver's value as text.
func asText(v driver.Value) string {
	if b, ok := v.([]byte); ok {
		return string(b)
	}
	return fmt.Sprint(v)
}
