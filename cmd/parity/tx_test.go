package parity

import "database/sql"

var txScenarios = []scenario{
	{name: "a transaction commits and rolls back", run: txEnds},
	{name: "a transaction that has ended refuses", run: txDone},
	{name: "a transaction uses statements", run: txStmts},
	{name: "isolation levels are set or refused", run: txLevels},
	{name: "a read-only transaction refuses to write", run: txReadOnly},
	{name: "savepoints are kept and rolled back to", run: txSavepoints},
	{name: "an error leaves the transaction open", run: txError},
}

func txEnds(p *program) {
	p.table("tx_ends", "id INT PRIMARY KEY")
	var n int
	for _, end := range []string{"Commit", "Rollback"} {
		tx := p.must(p.db, "BeginTx", bg, (*sql.TxOptions)(nil))
		p.do(tx, "ExecContext", bg, "INSERT INTO tx_ends VALUES (?)", len(end))
		p.ask(tx, "SELECT COUNT(*) FROM tx_ends", nil, &n)
		p.ask(p.db, "SELECT COUNT(*) FROM tx_ends", nil, &n)
		p.do(p.db, "Stats")
		p.do(tx, end)
		p.ask(p.db, "SELECT COUNT(*) FROM tx_ends", nil, &n)
		p.do(p.db, "Stats")
	}
}

func txDone(p *program) {
	for _, end := range []string{"Commit", "Rollback"} {
		stmt := p.must(p.db, "PrepareContext", bg, "SELECT ?")
		tx := p.must(p.db, "BeginTx", bg, (*sql.TxOptions)(nil))
		own := p.must(tx, "PrepareContext", bg, "SELECT ?")
		of := p.must(tx, "StmtContext", bg, stmt)
		p.do(tx, end)
		p.do(tx, "Commit")
		p.do(tx, "Rollback")
		p.do(tx, "ExecContext", bg, "DO 1")
		p.do(tx, "QueryContext", bg, "SELECT 1")
		p.do(tx, "PrepareContext", bg, "SELECT 1")
		p.ask(tx, "SELECT 1", nil, new(int))
		late := p.one(tx, "StmtContext", bg, stmt)
		p.do(late, "QueryContext", bg, 1)
		for _, s := range []any{own, of} {
			p.do(s, "QueryContext", bg, 1)
			p.ask(s, "", []any{1}, new(int))
			p.do(s, "Close")
		}
		p.do(stmt, "Close")
	}
}

func txStmts(p *program) {
	p.table("tx_stmts", "id INT PRIMARY KEY")
	insert := p.must(p.db, "PrepareContext", bg, "INSERT INTO tx_stmts VALUES (?)")
	p.do(insert, "ExecContext", bg, 1)
	tx := p.must(p.db, "BeginTx", bg, (*sql.TxOptions)(nil))
	own := p.must(tx, "StmtContext", bg, insert)
	p.do(own, "ExecContext", bg, 2)
	p.do(own, "ExecContext", bg, 2)
	count := p.must(tx, "PrepareContext", bg, "SELECT COUNT(*) FROM tx_stmts WHERE id > ?")
	var n int
	p.ask(count, "", []any{0}, &n)
	p.read(p.must(count, "QueryContext", bg, 1))
	p.do(tx, "PrepareContext", bg, "SELEKT ?")
	p.do(own, "Close")
	p.do(own, "ExecContext", bg, 3)
	p.do(tx, "Rollback")
	p.do(insert, "ExecContext", bg, 4)
	p.do(insert, "Close")
	p.do(insert, "ExecContext", bg, 5)
	p.read(p.query("SELECT id FROM tx_stmts ORDER BY id"))
	// A statement of one transaction in another.
	tx = p.must(p.db, "BeginTx", bg, (*sql.TxOptions)(nil))
	p.do(p.one(tx, "StmtContext", bg, insert), "ExecContext", bg, 6) // closed
	p.do(tx, "Commit")
}

func txLevels(p *program) {
	p.table("tx_levels", "id INT PRIMARY KEY", "(1)")
	var n int
	for l := sql.LevelDefault; l <= sql.LevelLinearizable; l++ {
		tx := p.one(p.db, "BeginTx", bg, &sql.TxOptions{Isolation: l})
		if p.err != nil {
			continue
		}
		p.ask(tx, "SELECT COUNT(*) FROM tx_levels", nil, &n)
		other := p.tx()
		if l != sql.LevelSerializable { // which would wait
			p.do(other, "ExecContext", bg, "INSERT INTO tx_levels VALUES (?)", 10+int(l))
		} else {
			p.do(other, "ExecContext", bg, "SET SESSION innodb_lock_wait_timeout = 1")
			p.do(other, "ExecContext", bg, "DELETE FROM tx_levels")
			p.do(other, "ExecContext", bg, "SET SESSION innodb_lock_wait_timeout = 50")
		}
		p.ask(tx, "SELECT COUNT(*) FROM tx_levels", nil, &n)
		p.do(other, "Commit")
		p.ask(tx, "SELECT COUNT(*) FROM tx_levels", nil, &n)
		p.do(tx, "Rollback")
	}
	p.do(p.db, "BeginTx", bg, &sql.TxOptions{Isolation: -1})
	c := p.must(p.db, "Conn", bg)
	p.do(c, "BeginTx", bg, &sql.TxOptions{Isolation: sql.LevelSnapshot})
	p.do(c, "Close")
}

func txReadOnly(p *program) {
	p.table("tx_read", "id INT PRIMARY KEY", "(1)")
	tx := p.must(p.db, "BeginTx", bg, &sql.TxOptions{ReadOnly: true, Isolation: sql.LevelReadCommitted})
	p.read(p.must(tx, "QueryContext", bg, "SELECT id FROM tx_read"))
	p.do(tx, "ExecContext", bg, "INSERT INTO tx_read VALUES (2)")
	p.do(tx, "Commit")
	p.do(p.db, "ExecContext", bg, "INSERT INTO tx_read VALUES (2)") // the session is as before
}

func txSavepoints(p *program) {
	p.table("tx_save", "id INT PRIMARY KEY")
	tx := p.must(p.db, "BeginTx", bg, (*sql.TxOptions)(nil))
	p.do(tx, "ExecContext", bg, "INSERT INTO tx_save VALUES (1)")
	p.do(tx, "ExecContext", bg, "SAVEPOINT a")
	p.do(tx, "ExecContext", bg, "INSERT INTO tx_save VALUES (2)")
	p.do(tx, "ExecContext", bg, "SAVEPOINT b")
	p.do(tx, "ExecContext", bg, "INSERT INTO tx_save VALUES (3)")
	p.do(tx, "ExecContext", bg, "ROLLBACK TO b")
	p.read(p.must(tx, "QueryContext", bg, "SELECT id FROM tx_save ORDER BY id"))
	p.do(tx, "ExecContext", bg, "ROLLBACK TO a")
	p.do(tx, "ExecContext", bg, "ROLLBACK TO b") // it went with a
	p.do(tx, "ExecContext", bg, "RELEASE SAVEPOINT a")
	p.do(tx, "ExecContext", bg, "RELEASE SAVEPOINT a")
	p.do(tx, "Commit")
	p.read(p.query("SELECT id FROM tx_save ORDER BY id"))
}

func txError(p *program) {
	p.table("tx_error", "id INT PRIMARY KEY", "(1)")
	tx := p.must(p.db, "BeginTx", bg, (*sql.TxOptions)(nil))
	p.do(tx, "ExecContext", bg, "INSERT INTO tx_error VALUES (2)")
	p.do(tx, "ExecContext", bg, "INSERT INTO tx_error VALUES (1)")
	p.do(tx, "ExecContext", bg, "SELEKT")
	p.do(tx, "QueryContext", bg, "SELECT * FROM no_such_table")
	p.do(tx, "ExecContext", bg, "INSERT INTO tx_error VALUES (3)")
	p.do(tx, "Commit")
	p.read(p.query("SELECT id FROM tx_error ORDER BY id"))
}
