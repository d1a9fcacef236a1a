package integration

import (
	"context"
	stdsql "database/sql"
	"errors"
	"testing"

	"github.com/valet-go/valet/adapter"
	"github.com/valet-go/valet/backends/mysql"
	"github.com/valet-go/valet/cmd/internal/embedded"
	"github.com/valet-go/valet/cmd/internal/private"
)

// mysqlConnTests are about what was taken out of the pool.
var mysqlConnTests = []struct {
	name string
	run  func(*testing.T, *mysqlEnv)
}{
	{"a Conn is one connection", testConnIsOne},
	{"a Conn's calls keep their order and take no slot", testConnOrder},
	{"a Conn's transaction is in its lane", testConnTx},
	{"a Conn's Close comes after what was started before", testConnCloseOrder},
	{"a Conn's Close waits for its transaction and does not hold it up", testConnCloseWaits},
	{"Raw gives the driver's connection to a body", testConnRaw},
	{"a Conn that nobody gets goes back", testConnDropped},
	{"a transaction uses statements of the pool", testTxStmt},
	{"Ping, Stats and settings are those of the pool", testPoolSettings},
}

func TestMySQLConnEmbedded(t *testing.T) {
	srv, err := embedded.StartMySQL()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { srv.Close() })
	runMySQLConn(t, mysqlServer{dsn: srv.DSN()})
}

func TestMySQLConnMariaDB(t *testing.T) {
	runMySQLConn(t, mysqlServer{dsn: private.RequireMariaDB(t).DSN(), real: true})
}

func runMySQLConn(t *testing.T, srv mysqlServer) {
	for _, test := range mysqlConnTests {
		t.Run(test.name, func(t *testing.T) { test.run(t, newMySQLEnv(t, srv)) })
	}
}

func (e *mysqlEnv) beginConn(ctx context.Context) *pending[*mysql.Conn] {
	return begin(e.env, func(cb func(*mysql.Conn, error)) *adapter.Call { return e.db.Conn(ctx, cb) })
}

func (e *mysqlEnv) conn() *mysql.Conn {
	e.t.Helper()
	return e.beginConn(bg).must()
}

func (e *mysqlEnv) closeConn(c *mysql.Conn) *pending[struct{}] { return begin(e.env, void(c.Close)) }

func (e *mysqlEnv) connExec(c *mysql.Conn, query string, args ...any) *pending[mysql.Result] {
	return begin(e.env, func(cb func(mysql.Result, error)) *adapter.Call { return c.Exec(bg, query, cb, args...) })
}

func (e *mysqlEnv) connNumber(c *mysql.Conn, query string) (n int) {
	e.t.Helper()
	row := must(e.env, func(cb func(*mysql.Row, error)) *adapter.Call { return c.QueryRow(bg, query, cb) })
	if err := row.Scan(&n); err != nil {
		e.t.Fatal(err)
	}
	return n
}

func testConnIsOne(t *testing.T, e *mysqlEnv) {
	c := e.conn()
	if n := e.inUse(); n != 1 {
		t.Errorf("a Conn holds %d connections", n)
	}
	e.connExec(c, "SET @x = 42").must()
	for range 3 {
		if n := e.connNumber(c, "SELECT @x"); n != 42 {
			t.Errorf("the session's variable is %d, want 42", n)
		}
	}
	must(e.env, void(func(cb func(error)) *adapter.Call { return c.Ping(bg, cb) }))
	table := e.numbers(300)
	rows := must(e.env, func(cb func(*mysql.Rows, error)) *adapter.Call {
		return c.Query(bg, "SELECT n, label FROM "+table+" ORDER BY n", cb)
	})
	e.wantNumbers(e.nexts(rows), 300)
	stmt := must(e.env, func(cb func(*mysql.Stmt, error)) *adapter.Call { return c.Prepare(bg, "SELECT @x + ?", cb) })
	row := must(e.env, func(cb func(*mysql.Row, error)) *adapter.Call { return stmt.QueryRow(bg, cb, 1) })
	var n int
	if err := row.Scan(&n); err != nil || n != 43 {
		t.Errorf("the statement gave %d, %v; want 43", n, err)
	}
	must(e.env, void(stmt.Close))
	e.closeConn(c).must()
	e.wantIdle()
	e.connExec(c, "SET @x = 1").failsWith(stdsql.ErrConnDone)
	e.closeConn(c).failsWith(stdsql.ErrConnDone)
}

func testConnOrder(t *testing.T, e *mysqlEnv) {
	e = e.with(mysql.WithMaxConns(1))
	c := e.conn()
	head := e.beginRow(bg, "SELECT 1") // has the only slot
	e.waitsForConn(1)
	var last *pending[mysql.Result]
	e.connExec(c, "SET @n = 0").must()
	for range 40 {
		last = e.connExec(c, "SET @n = @n * 2 + 1 - @n")
	}
	last.must()
	if n := e.connNumber(c, "SELECT @n"); n != 40 {
		t.Errorf("40 statements counted to %d", n)
	}
	e.closeConn(c).must()
	head.must()
	e.wantIdle()
}

func testConnTx(t *testing.T, e *mysqlEnv) {
	table := e.table("id INT PRIMARY KEY")
	c := e.conn()
	tx := must(e.env, func(cb func(*mysql.Tx, error)) *adapter.Call { return c.BeginTx(bg, nil, cb) })
	e.txExec(tx, "INSERT INTO "+table+" VALUES (1)")
	e.commit(tx) // without waiting: the Conn's next call comes after it
	if n := e.connNumber(c, "SELECT COUNT(*) FROM "+table); n != 1 {
		t.Errorf("%d rows after Commit, want 1", n)
	}
	if n := e.inUse(); n != 1 {
		t.Errorf("%d connections in use, want the Conn's", n)
	}
	e.closeConn(c).must()
	e.wantIdle()
}

func testConnCloseOrder(t *testing.T, e *mysqlEnv) {
	c := e.conn()
	var started []*pending[mysql.Result]
	for range 20 {
		started = append(started, e.connExec(c, "SET @x = 1"))
	}
	closed := e.closeConn(c)
	for _, p := range started {
		p.must()
	}
	closed.must()
	e.wantIdle()
}

func testConnCloseWaits(t *testing.T, e *mysqlEnv) {
	table := e.numbers(300)
	c := e.conn()
	tx := must(e.env, func(cb func(*mysql.Tx, error)) *adapter.Call { return c.BeginTx(bg, nil, cb) })
	closed := e.closeConn(c)
	e.txExec(tx, "DELETE FROM "+table+" WHERE n = 1").must() // the transaction goes on
	select {
	case <-closed.came:
		t.Error("Close did not wait for the transaction")
	default:
	}
	e.rollback(tx).must()
	closed.must()
	e.wantIdle()

	c = e.conn()
	rows := must(e.env, func(cb func(*mysql.Rows, error)) *adapter.Call { return c.Query(bg, "SELECT n FROM "+table, cb) })
	closed = e.closeConn(c)
	e.closeRows(rows)
	closed.must()
	e.wantIdle()
}

func testConnRaw(t *testing.T, e *mysqlEnv) {
	c := e.conn()
	refused := errors.New("refused")
	begin(e.env, void(func(cb func(error)) *adapter.Call {
		return c.Raw(func(conn any) error {
			if e.l.OnLoop() {
				t.Error("the function ran on the loop")
			}
			if _, ok := conn.(interface{ IsValid() bool }); !ok {
				t.Errorf("got a %T", conn)
			}
			return refused
		}, cb)
	})).failsWith(refused)
	e.closeConn(c).must()
	e.wantIdle()
}

func testConnDropped(t *testing.T, e *mysqlEnv) {
	e = e.with(mysql.WithMaxConns(1))
	holder := e.tx()
	waits := e.beginConn(bg)
	e.waitsForConn(1)
	waits.Cancel()
	waits.failsWith(context.Canceled)
	e.rollback(holder).must()
	e.number("SELECT 1")
	e.wantIdle()
	// Cancelled at whatever moment.
	for range 50 {
		p := e.beginConn(bg)
		p.Cancel()
		switch c, err := p.wait(); {
		case err == nil:
			e.closeConn(c).must()
		case !errors.Is(err, context.Canceled):
			t.Errorf("got %v, want context.Canceled", err)
		}
	}
	eventually(t, "no connection in use", func() bool { return e.inUse() == 0 })
}

func testTxStmt(t *testing.T, e *mysqlEnv) {
	table := e.table("id INT PRIMARY KEY")
	insert := e.prepare("INSERT INTO " + table + " VALUES (?)")
	tx := e.tx()
	own := must(e.env, func(cb func(*mysql.Stmt, error)) *adapter.Call { return tx.Stmt(bg, insert, cb) })
	must(e.env, func(cb func(mysql.Result, error)) *adapter.Call { return own.Exec(bg, cb, 1) })
	e.rollback(tx).must()
	if n := e.number("SELECT COUNT(*) FROM " + table); n != 0 {
		t.Errorf("%d rows: the statement was not the transaction's", n)
	}
	must(e.env, func(cb func(mysql.Result, error)) *adapter.Call { return insert.Exec(bg, cb, 2) })
	must(e.env, void(insert.Close))
	e.wantIdle()
}

func testPoolSettings(t *testing.T, e *mysqlEnv) {
	must(e.env, void(func(cb func(error)) *adapter.Call { return e.db.Ping(bg, cb) }))
	e.db.SetMaxOpenConns(7)
	e.db.SetMaxIdleConns(0)
	e.db.SetConnMaxLifetime(0)
	e.db.SetConnMaxIdleTime(0)
	if s := e.db.Stats(); s.MaxOpenConnections != 7 || s.Idle != 0 {
		t.Errorf("%+v, want at most 7 connections, and none idle", s)
	}
	if e.db.Driver() != e.db.Unwrap().Driver() {
		t.Error("another driver")
	}
}
