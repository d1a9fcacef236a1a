package parity

import (
	"database/sql"
	"strings"
)

var rowsScenarios = []scenario{
	{name: "rows are read to their end", run: rowsRead},
	{name: "rows are closed early", run: rowsClosed},
	{name: "Scan wants what fits", run: rowsScan},
	{name: "several result sets are read", params: "multiStatements=true", run: rowsSets},
	{name: "an error in a later statement is reported", params: "multiStatements=true", run: rowsSetsError},
	{name: "a procedure gives its result sets", run: rowsProcedure},
	{name: "an error among the rows is reported", run: rowsError, embedded: "it may find the error before it has sent a row, or not"},
}

// numbers makes a table of the numbers from 0 to n-1.
func (p *program) numbers(n int) {
	p.t.Helper()
	p.table("numbers", "n INT PRIMARY KEY, label VARCHAR(20)")
	var values []string
	for i := range n {
		values = append(values, "("+describeInt(i)+", 'row "+describeInt(i)+"')")
	}
	p.exec("INSERT INTO numbers VALUES " + strings.Join(values, ", "))
}

func rowsRead(p *program) {
	p.numbers(600)
	for _, n := range []int{0, 1, 255, 256, 257, 512, 600} { // batches have 256
		rows := p.query("SELECT n, label FROM numbers WHERE n < ? ORDER BY n", n)
		p.read(rows)
		p.do(rows, "Next")
		p.do(rows, "Columns")
		p.do(rows, "ColumnTypes")
		p.do(rows, "Scan", new(int), new(string))
		p.do(rows, "Err")
		p.do(rows, "Close")
	}
	p.idle()
	p.do(p.db, "Stats")
}

func rowsClosed(p *program) {
	p.numbers(600)
	for _, n := range []int{0, 1, 256, 600} {
		rows := p.query("SELECT n, label FROM numbers WHERE n < ? ORDER BY n", n)
		p.do(rows, "Scan", new(int), new(string)) // without Next
		p.do(rows, "Next")
		p.do(rows, "Close")
		p.do(rows, "Close")
		p.do(rows, "Next")
		p.do(rows, "NextResultSet")
		p.do(rows, "Scan", new(int), new(string))
		p.do(rows, "Columns")
		p.do(rows, "ColumnTypes")
		p.do(rows, "Err")
	}
	tx := p.must(p.db, "BeginTx", bg, (*sql.TxOptions)(nil))
	rows := p.must(tx, "QueryContext", bg, "SELECT n FROM numbers")
	p.do(rows, "Next")
	p.do(rows, "Close")
	p.do(tx, "ExecContext", bg, "DELETE FROM numbers WHERE n > 2")
	p.do(tx, "Commit")
	p.read(p.query("SELECT n FROM numbers ORDER BY n"))
}

func rowsScan(p *program) {
	rows := p.query("SELECT 1 AS a, 'text' AS b, NULL AS c, 300 AS d")
	p.do(rows, "Next")
	p.do(rows, "Scan")
	p.do(rows, "Scan", new(int))
	p.do(rows, "Scan", append(destinations(4), new(int))...)
	p.do(rows, "Scan", new(int), new(string), new(*int), new(int))
	p.do(rows, "Scan", new(int), new(int), new(*int), new(int))
	p.do(rows, "Scan", new(int), new(string), new(int), new(int))
	p.do(rows, "Scan", new(int), new(string), new(*int), new(int8))
	p.do(rows, "Scan", new(string), new([]byte), new([]byte), new(float64))
	p.do(rows, "Scan", new(bool), new(sql.NullString), new(sql.NullString), new(sql.NullInt32))
	p.do(rows, "Scan", new(sql.Null[int]), new(sql.Null[string]), new(sql.Null[int]), new(sql.Null[float64]))
	p.do(rows, "Scan", new(scanner), new(scanner), new(scanner), new(scanner))
	p.do(rows, "Scan", new(struct{}), new(string), new(any), new(any))
	p.do(rows, "Scan", 5, new(string), new(any), new(any))
	p.do(rows, "Scan", nil, new(string), new(any), new(any))
	p.do(rows, "Scan", (*int)(nil), new(string), new(any), new(any))
	p.do(rows, "Scan", new(sql.RawBytes), new(sql.RawBytes), new(sql.RawBytes), new(sql.RawBytes))
	p.differs("RawBytes are bytes of their own, and do not lock the row").do(rows, "Scan", destinations(4)...)
	p.do(rows, "Next")
	p.do(rows, "Err")
}

func rowsSets(p *program) {
	p.numbers(600)
	for _, query := range []string{
		"SELECT 1 AS a; SELECT 2 AS b, 3 AS c; SELECT 'x' WHERE 1 = 0; SELECT 4 AS d",
		"SELECT n FROM numbers ORDER BY n; SELECT 1",
		"SELECT 1; SELECT n FROM numbers ORDER BY n",
		"SELECT 1; SET @y = 1; SELECT 2",
		"SET @y = 1; SELECT 2",
		"SELECT 1; SET @y = 1",
		"SELECT 1; SET @x = 3; SET @x = 4; SELECT @x",
	} {
		p.read(p.query(query))
		skip := p.query(query)
		for range 5 {
			p.do(skip, "NextResultSet")
			p.do(skip, "Columns")
		}
		p.do(skip, "Err")
		p.do(skip, "Close")
		early := p.query(query)
		p.do(early, "Next")
		p.do(early, "NextResultSet")
		p.do(early, "Next")
		p.do(early, "Close")
		p.do(early, "NextResultSet")
		p.do(early, "Err")
		p.ask(p.db, query, nil, new(any))
		p.do(p.db, "ExecContext", bg, query)
	}
}

func rowsSetsError(p *program) {
	for _, query := range []string{"SELECT 1; SELECT * FROM no_such_table", "SELECT 1; SELEKT; SELECT 2"} {
		rows := p.query(query)
		p.do(rows, "Next")
		p.do(rows, "Scan", new(any))
		p.do(rows, "NextResultSet")
		p.do(rows, "Err")
		p.do(rows, "Close")
		p.do(p.db, "ExecContext", bg, query)
		row := p.one(p.db, "QueryRowContext", bg, query)
		p.differs("a row comes complete, with the error of what follows it").do(row, "Err")
		p.differs("a row that an error follows is lost").do(row, "Scan", new(any))
	}
}

func rowsProcedure(p *program) {
	p.exec("DROP PROCEDURE IF EXISTS sets")
	p.exec("CREATE PROCEDURE sets(n INT) BEGIN SELECT n AS first; SELECT n + 1, 'second'; END")
	p.read(p.query("CALL sets(5)"))
	p.read(p.query("CALL sets(?)", 6))
	p.do(p.db, "ExecContext", bg, "CALL sets(7)")
	p.ask(p.db, "CALL sets(8)", nil, new(int))
	p.do(p.db, "QueryContext", bg, "CALL no_such_procedure()")
}

func rowsError(p *program) {
	p.numbers(600)
	// The query fails in a batch later than the first.
	query := "SELECT n, CASE WHEN n = 500 THEN (SELECT 1 UNION SELECT 2) ELSE 1 END FROM numbers"
	for _, read := range []int{0, 10, 256} {
		rows := p.must(p.db, "QueryContext", bg, query)
		for range read {
			if p.one(rows, "Next") != true {
				p.do(rows, "Err")
				break
			}
		}
		p.do(rows, "Close")
		p.do(rows, "Err")
	}
	rows := p.must(p.db, "QueryContext", bg, query)
	for range 256 {
		p.do(rows, "Next")
	}
	p.do(rows, "Next")
	p.do(rows, "Close")
	p.do(rows, "Err")
	p.consume(p.db, "SELECT (SELECT 1 UNION SELECT 2)")
	p.consume(p.db, "SELECT n, CASE WHEN n = 100 THEN (SELECT 1 UNION SELECT 2) ELSE 1 END FROM numbers")
}
