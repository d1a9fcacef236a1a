package parity

var stmtScenarios = []scenario{
	{name: "a prepared statement is used again", run: stmtAgain},
	{name: "a prepared statement is interpolated by the client", params: "interpolateParams=true", run: stmtAgain},
	{name: "a prepared statement refuses other arguments", run: stmtArguments},
	{name: "a prepared statement is there on every connection", run: stmtConnections},
}

func stmtAgain(p *program) {
	p.table("stmt_again", "id INT PRIMARY KEY AUTO_INCREMENT, s VARCHAR(20)")
	insert := p.must(p.db, "PrepareContext", bg, "INSERT INTO stmt_again (s) VALUES (?)")
	for _, v := range []any{"a", nil, "c"} {
		p.do(insert, "ExecContext", bg, v)
	}
	list := p.must(p.db, "PrepareContext", bg, "SELECT id, s FROM stmt_again WHERE id > ? ORDER BY id")
	for id := range 4 {
		p.read(p.must(list, "QueryContext", bg, id))
		var n int
		var s *string
		p.ask(list, "", []any{id}, &n, &s)
	}
	p.do(insert, "Close")
	p.do(insert, "Close")
	p.do(insert, "ExecContext", bg, "d")
	p.do(insert, "QueryContext", bg, "d")
	p.ask(insert, "", []any{"d"}, new(int))
	p.do(list, "Close")
}

func stmtArguments(p *program) {
	stmt := p.must(p.db, "PrepareContext", bg, "SELECT ?, ?")
	p.do(stmt, "QueryContext", bg)
	p.do(stmt, "QueryContext", bg, 1)
	p.do(stmt, "QueryContext", bg, 1, 2, 3)
	p.do(stmt, "ExecContext", bg, 1)
	p.ask(stmt, "", []any{1}, new(int))
	p.do(stmt, "QueryContext", bg, 1, struct{ X int }{2})
	p.do(stmt, "QueryContext", bg, make(chan int), 2)
	p.read(p.must(stmt, "QueryContext", bg, 1, "two"))
	p.do(stmt, "Close")
	p.do(p.db, "PrepareContext", bg, "SELEKT ?")
	p.do(p.db, "PrepareContext", bg, "SELECT * FROM no_such_table WHERE id = ?")
	p.do(p.db, "PrepareContext", bg, "")
}

func stmtConnections(p *program) {
	stmt := p.must(p.db, "PrepareContext", bg, "SELECT ? + 1")
	var conns []any
	var n int
	for range poolSize - 1 { // each time another connection answers
		p.ask(stmt, "", []any{len(conns)}, &n)
		conns = append(conns, p.must(p.db, "Conn", bg))
	}
	p.ask(stmt, "", []any{100}, &n)
	p.do(stmt, "Close")
	for _, c := range conns {
		p.do(c, "Close")
	}
}
