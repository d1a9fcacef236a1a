package integration

import (
	stdsql "database/sql"
	"reflect"
	"testing"

	"github.com/valet-go/valet/adapter"
	"github.com/valet-go/valet/backends/mysql"
)

func testConnect(t *testing.T, e *mysqlEnv) {
	if n := e.db.Unwrap().Stats().OpenConnections; n != 0 {
		t.Fatalf("Open made %d connections", n)
	}
	must(e.env, void(func(cb func(error)) *adapter.Call { return e.db.Connect(bg, cb) }))
	if n := e.db.Unwrap().Stats().OpenConnections; n != 1 {
		t.Fatalf("Connect made %d connections, want one", n)
	}
	e.wantIdle()
}

func testStatements(t *testing.T, e *mysqlEnv) {
	table := e.table("id INT PRIMARY KEY, name VARCHAR(20)")
	if n, err := e.exec("INSERT INTO "+table+" VALUES (1, 'Ada'), (?, ?)", 2, "Alan").RowsAffected(); n != 2 || err != nil {
		t.Fatalf("inserted %d rows, %v; want 2", n, err)
	}
	e.exec("UPDATE "+table+" SET name = ? WHERE id = 1", "Grace")
	e.exec("DELETE FROM " + table + " WHERE id = 2")
	row := e.beginRow(bg, "SELECT id, name FROM "+table).must()
	var id int
	var name string
	if err := row.Scan(&id, &name); err != nil || id != 1 || name != "Grace" {
		t.Fatalf("read %d %q, %v; want 1 Grace", id, name, err)
	}
	if want := []string{"id", "name"}; !reflect.DeepEqual(row.Columns(), want) {
		t.Errorf("columns %q, want %q", row.Columns(), want)
	}
	e.wantIdle()

	keys := e.table("id INT PRIMARY KEY AUTO_INCREMENT, name VARCHAR(20)")
	e.exec("INSERT INTO " + keys + " (name) VALUES ('Ada')")
	if id, err := e.exec("INSERT INTO " + keys + " (name) VALUES ('Alan')").LastInsertId(); id != 2 || err != nil {
		t.Errorf("LastInsertId is %d, %v; want 2", id, err)
	}
}

func testPrepared(t *testing.T, e *mysqlEnv) {
	table := e.table("id INT PRIMARY KEY, name VARCHAR(20)")
	insert := e.prepare("INSERT INTO " + table + " VALUES (?, ?)")
	for id, name := range []string{"Ada", "Alan", "Grace"} {
		must(e.env, func(cb func(mysql.Result, error)) *adapter.Call { return insert.Exec(bg, cb, id, name) })
	}
	get := e.prepare("SELECT name FROM " + table + " WHERE id >= ? ORDER BY id")
	for id, want := range []string{"Ada", "Alan", "Grace"} {
		row := must(e.env, func(cb func(*mysql.Row, error)) *adapter.Call { return get.QueryRow(bg, cb, id) })
		var name string
		if err := row.Scan(&name); err != nil || name != want {
			t.Fatalf("row %d: %q, %v; want %s", id, name, err, want)
		}
	}
	rows := must(e.env, func(cb func(*mysql.Rows, error)) *adapter.Call { return get.Query(bg, cb, 1) })
	if got := e.collect(rows, 0); len(got) != 2 {
		t.Errorf("got %d rows, want 2", len(got))
	}
	begin(e.env, func(cb func(*mysql.Row, error)) *adapter.Call { return get.QueryRow(bg, cb, 9) }).failsWith(mysql.ErrNoRows)

	for _, stmt := range []*mysql.Stmt{insert, get} {
		must(e.env, void(stmt.Close))
	}
	err := begin(e.env, func(cb func(*mysql.Row, error)) *adapter.Call { return get.QueryRow(bg, cb, 1) }).fails()
	if want := "sql: statement is closed"; err.Error() != want {
		t.Errorf("after Close: %v, want %s", err, want)
	}
	begin(e.env, func(cb func(*mysql.Stmt, error)) *adapter.Call { return e.db.Prepare(bg, "SELEC ?", cb) }).fails()
	e.wantIdle()
}

func (e *mysqlEnv) prepare(query string) *mysql.Stmt {
	e.t.Helper()
	return must(e.env, func(cb func(*mysql.Stmt, error)) *adapter.Call { return e.db.Prepare(bg, query, cb) })
}

func testNoRow(_ *testing.T, e *mysqlEnv) {
	table := e.table("id INT PRIMARY KEY")
	e.beginRow(bg, "SELECT id FROM "+table).failsWith(mysql.ErrNoRows)
	e.beginRow(bg, "SELECT id FROM "+table+" WHERE id = ?", 1).failsWith(stdsql.ErrNoRows)
	e.wantIdle()
}

func testServerError(t *testing.T, e *mysqlEnv) {
	raw := e.raw(e.dsn)
	table := e.table("id INT PRIMARY KEY")
	e.exec("INSERT INTO " + table + " VALUES (1)")
	for _, query := range []string{
		"SELEC 1",
		"SELECT nothing FROM " + table,
		"SELECT * FROM no_such_table",
		"INSERT INTO " + table + " VALUES (1)", // again
	} {
		_, want := raw.ExecContext(bg, query)
		for how, err := range map[string]error{
			"Exec":     e.beginExec(bg, query).fails(),
			"Query":    e.beginQuery(bg, query).fails(),
			"QueryRow": e.beginRow(bg, query).fails(),
		} {
			if _, ok := err.(*mysql.MySQLError); !ok {
				t.Errorf("%s of %q: a %T, want a *MySQLError as it is", how, query, err)
			}
			if !reflect.DeepEqual(err, want) {
				t.Errorf("%s of %q: %v; from the driver: %v", how, query, err, want)
			}
		}
	}
	e.wantIdle()
}

// raw returns a pool of the driver's own.
func (e *mysqlEnv) raw(dsn string) *stdsql.DB {
	e.t.Helper()
	db, err := stdsql.Open("mysql", dsn)
	if err != nil {
		e.t.Fatal(err)
	}
	e.t.Cleanup(func() { db.Close() })
	return db
}

func testOn(t *testing.T, e *mysqlEnv) {
	l := startLoop(t)
	db := e.db.On(l)
	table := e.numbers(300)
	beginOn(e.env, l, void(func(cb func(error)) *adapter.Call { return db.Connect(bg, cb) })).must()
	query := func() *mysql.Rows {
		return beginOn(e.env, l, func(cb func(*mysql.Rows, error)) *adapter.Call {
			return db.Query(bg, "SELECT * FROM "+table, cb)
		}).must()
	}
	unread := query()
	beginOn(e.env, l, func(cb func([]*mysql.Row, error)) *adapter.Call { return unread.Next(bg, cb) }).must()
	beginOn(e.env, l, void(unread.Close)).must()
	rows, seen := query(), 0
	beginOn(e.env, l, finish(func(cb func(error)) {
		rows.Each(bg, func(*mysql.Row) error {
			if seen++; !l.OnLoop() {
				t.Error("an item did not come on the second loop")
			}
			return nil
		}, cb)
	})).must()
	if seen != 300 {
		t.Errorf("Each gave %d rows, want 300", seen)
	}

	tx := must(e.env, func(cb func(*mysql.Tx, error)) *adapter.Call { return e.db.BeginTx(bg, nil, cb) })
	view := tx.On(l)
	stmt := beginOn(e.env, l, func(cb func(*mysql.Stmt, error)) *adapter.Call {
		return view.Prepare(bg, "SELECT label FROM "+table+" WHERE n = ?", cb)
	}).must()
	// The statement was made by a callback on l, and follows where it is sent.
	begin(e.env, func(cb func(*mysql.Row, error)) *adapter.Call { return stmt.On(e.l).QueryRow(bg, cb, 7) }).must()
	beginOn(e.env, l, void(view.Rollback)).must()
	begin(e.env, void(tx.Rollback)).failsWith(stdsql.ErrTxDone)

	// An executor that is closed gets nothing, and what it would have got is
	// given back.
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	await(t, db.Query(bg, "SELECT * FROM "+table, func(*mysql.Rows, error) {
		t.Error("a callback ran on a closed loop")
	}).Done())
	eventually(t, "no connection in use", func() bool { return e.inUse() == 0 })
}
