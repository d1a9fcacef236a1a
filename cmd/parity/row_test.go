package parity

import (
	"database/sql"
	"errors"
	"fmt"
	"time"
)

var rowScenarios = []scenario{
	{name: "a Row is there or is not", run: rowThere},
	{name: "a Row is scanned as by database/sql", run: rowScan},
}

// scanner is a destination with a mind of its own.
type scanner struct{ got string }

var errScanner = errors.New("the scanner refuses")

func (s *scanner) Scan(v any) error {
	if b, ok := v.([]byte); ok {
		v = string(b) // whoever gives text as bytes, or as a string
	}
	s.got = fmt.Sprint(v)
	if s.got == "refuse" {
		return errScanner
	}
	return nil
}

func rowThere(p *program) {
	p.table("row_there", "id INT PRIMARY KEY", "(1)", "(2)")
	c := p.must(p.db, "Conn", bg)
	tx := p.must(p.db, "BeginTx", bg, (*sql.TxOptions)(nil))
	for _, x := range []any{p.db, c, tx} {
		p.ask(x, "SELECT id FROM row_there WHERE id = 1", nil, new(int))
		p.ask(x, "SELECT id FROM row_there ORDER BY id", nil, new(int)) // of two
		p.ask(x, "SELECT id FROM row_there WHERE id = 3", nil, new(int))
		p.ask(x, "SELECT id FROM row_there WHERE id = ?", []any{2}, new(int))
		p.ask(x, "SELECT id FROM row_there WHERE id = ?", []any{3}, new(int))
		p.ask(x, "SELECT id FROM no_such_table", nil, new(int))
		p.ask(x, "SELEKT", nil, new(int))
		p.ask(x, "", nil, new(int))
		stmt := p.must(x, "PrepareContext", bg, "SELECT id FROM row_there WHERE id = ?")
		p.ask(stmt, "", []any{2}, new(int))
		p.ask(stmt, "", []any{3}, new(int))
		p.do(stmt, "Close")
	}
	p.do(tx, "Rollback")
	p.do(c, "Close")
}

func rowScan(p *program) {
	for _, args := range [][]any{nil, {1}} { // as text, and in binary
		query := "SELECT 1 AS a, 'refuse' AS b, NULL AS c"
		if args != nil {
			query += " WHERE 1 = ?"
		}
		p.ask(p.db, query, args, new(int), new(string), new(*string))
		p.ask(p.db, query, args, new(int), new(scanner), new(any))
		p.ask(p.db, query, args, new(int), new(string), new(string))
		p.ask(p.db, query, args, new(int), new(time.Time), new(any))
		p.ask(p.db, query, args, new(int), new(sql.RawBytes), new(any))
		p.ask(p.db, query, args, new(int))
		p.ask(p.db, query, args)
		p.ask(p.db, query, args, destinations(4)...)
		p.ask(p.db, query, args, new(uint8), new(bool), new(any))
		p.ask(p.db, query, args, new(float32), new([]byte), new(sql.NullTime))
		p.ask(p.db, query, args, *new(int), new(string), new(any))
	}
	row := p.one(p.db, "QueryRowContext", bg, "SELECT 5")
	p.do(row, "Scan", new(int))
	p.differs("a row is complete in memory, and can be scanned again").do(row, "Scan", new(int))
}
