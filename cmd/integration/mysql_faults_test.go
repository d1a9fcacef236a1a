package integration

import (
	"context"
	stdsql "database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"net"
	"syscall"
	"testing"
	"time"

	gomysql "github.com/go-sql-driver/mysql"

	"github.com/valet-go/valet/adapter"
	"github.com/valet-go/valet/backends/mysql"
	"github.com/valet-go/valet/backends/sql"
	"github.com/valet-go/valet/cmd/internal/embedded"
	"github.com/valet-go/valet/cmd/internal/private"
	"github.com/valet-go/valet/fakesock"
)

// faultyServer is a MariaDB that the tests of faults share, and leave running.
type faultyServer struct {
	*private.MariaDB
	mysqlServer
}

func TestMySQLFaults(t *testing.T) {
	db := private.RequireMariaDB(t)
	srv := &faultyServer{db, mysqlServer{dsn: db.DSN(), real: true}}
	for _, test := range []struct {
		name string
		run  func(*testing.T, *mysqlEnv, *faultyServer)
	}{
		{"a server killed in the middle is reported, and a restarted one found", testKilled},
		{"connections that a restart made stale are not noticed", testStale},
		{"a connection that the server closed is not used again", testServerCloses},
		{"a wrong password is reported", testWrongPassword},
		{"an unreachable address is reported", testUnreachable},
		{"an ending context stops a query", testContextEnds},
		{"an ending context stops rows that do not come", testRowsContextEnds},
		{"a stopped server is given up at the deadline", testStopped},
		{"what runs is stopped by Cancel", testCancelRunning},
		{"a client that leaves ends its calls", testClientLeaves},
		{"a loop closed while calls are in flight leaves nothing", testLoopClosed},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, newMySQLEnv(t, srv.mysqlServer), srv) })
	}
}

// sleeping starts a query that the server will not answer, and waits until the
// server runs it.
func (e *mysqlEnv) sleeping(ctx context.Context) *pending[*mysql.Row] {
	e.t.Helper()
	mark := fmt.Sprint(tables.Add(1))
	p := e.beginRow(ctx, fmt.Sprintf("SELECT SLEEP(%d) /* %s */", endless, mark))
	e.waitsForServer(mark)
	return p
}

// lost reports whether err is how the driver reports a lost connection.
func lost(err error) bool {
	var op *net.OpError
	return errors.Is(err, gomysql.ErrInvalidConn) || errors.Is(err, driver.ErrBadConn) || errors.As(err, &op)
}

func testKilled(t *testing.T, e *mysqlEnv, srv *faultyServer) {
	table := e.numbers(5000)
	tx := e.tx()
	rows := e.query("SELECT n, REPEAT('x', 10000) FROM " + table) // far more than any buffer
	query := e.sleeping(bg)
	srv.Kill()
	if err := query.fails(); !lost(err) {
		t.Errorf("the query in the middle: %v", err)
	}
	if err := e.txExec(tx, "DO 1").fails(); !lost(err) {
		t.Errorf("the transaction: %v", err)
	}
	if err := e.rollback(tx).fails(); !lost(err) {
		t.Errorf("the rollback: %v", err)
	}
	for err := error(nil); err == nil; { // what the kernel had is still read
		if _, err = e.next(rows).wait(); err != nil && !lost(err) {
			t.Errorf("the rows: %v", err)
		}
	}
	e.wantIdle()
	if err := e.beginExec(bg, "DO 1").fails(); !lost(err) {
		t.Errorf("while it is down: %v", err)
	}
	if err := srv.Restart(bg); err != nil {
		t.Fatal(err)
	}
	if n := e.number("SELECT COUNT(*) FROM " + table); n != 5000 {
		t.Errorf("%d rows after the restart, want 5000", n)
	}
}

// testStale restarts the server under a pool of idle connections.
func testStale(t *testing.T, e *mysqlEnv, srv *faultyServer) {
	fill := func() {
		var all []*mysql.Tx
		for range 4 {
			all = append(all, e.tx())
		}
		for _, tx := range all {
			e.commit(tx).must()
		}
		if n := e.db.Unwrap().Stats().Idle; n != 4 {
			t.Fatalf("%d idle connections, want 4", n)
		}
	}
	fill()
	if err := srv.Restart(bg); err != nil {
		t.Fatal(err)
	}
	e.number("SELECT 1")
	fill()
	if err := srv.Restart(bg); err != nil {
		t.Fatal(err)
	}
	e.rollback(e.tx()).must()
}

func testServerCloses(t *testing.T, e *mysqlEnv, _ *faultyServer) {
	e = e.with(mysql.WithMaxConns(1))
	id := e.number("SELECT CONNECTION_ID()")
	other := e.raw(e.dsn)
	if _, err := other.ExecContext(bg, fmt.Sprintf("KILL %d", id)); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the connection is gone", func() bool {
		var n int
		if err := other.QueryRowContext(bg, "SELECT COUNT(*) FROM information_schema.processlist WHERE id = ?", id).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n == 0
	})
	if now := e.number("SELECT CONNECTION_ID()"); now == id {
		t.Errorf("connection %d was used again", id)
	}
}

func testWrongPassword(t *testing.T, e *mysqlEnv, srv *faultyServer) {
	e.wantRefused(e.open(t, srv.DSNFor(private.User, "wrong")), func(err error) bool {
		refused, ok := err.(*mysql.MySQLError)
		return ok && refused.Number == 1045
	})
}

func testUnreachable(t *testing.T, e *mysqlEnv, _ *faultyServer) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	dsn := dsnWith(t, e.dsn, func(c *gomysql.Config) { c.Addr = ln.Addr().String() })
	ln.Close()
	e.wantRefused(e.open(t, dsn), func(err error) bool {
		var op *net.OpError
		return errors.As(err, &op) && op.Op == "dial" && errors.Is(err, syscall.ECONNREFUSED)
	})
}

// wantRefused checks the error of every kind of call to db.
func (e *mysqlEnv) wantRefused(db *mysql.DB, right func(error) bool) {
	e.t.Helper()
	refused := &mysqlEnv{e.env, e.mysqlServer, db}
	for kind, err := range map[string]error{
		"Connect": begin(e.env, void(func(cb func(error)) *adapter.Call { return db.Connect(bg, cb) })).fails(),
		"Exec":    refused.beginExec(bg, "DO 1").fails(),
		"Query":   refused.beginQuery(bg, "SELECT 1").fails(),
		"Row":     refused.beginRow(bg, "SELECT 1").fails(),
		"Begin":   refused.beginTx(bg).fails(),
	} {
		if !right(err) {
			e.t.Errorf("%s: a %T: %v", kind, err, err)
		}
	}
	refused.wantIdle()
}

func testContextEnds(t *testing.T, e *mysqlEnv, _ *faultyServer) {
	ctx, cancel := context.WithCancel(bg)
	query := e.sleeping(ctx)
	cancel()
	query.failsWith(context.Canceled)

	sleep := fmt.Sprintf("SELECT SLEEP(%d)", endless)
	tx := e.tx()
	ctx, cancel = context.WithTimeout(bg, 50*time.Millisecond)
	defer cancel()
	calls := []interface{ failsWith(error) }{
		e.beginExec(ctx, fmt.Sprintf("DO SLEEP(%d)", endless)),
		e.beginQuery(ctx, sleep),
		begin(e.env, func(cb func(mysql.Result, error)) *adapter.Call {
			return tx.Exec(ctx, fmt.Sprintf("DO SLEEP(%d)", endless), cb)
		}),
	}
	for _, call := range calls {
		call.failsWith(context.DeadlineExceeded)
	}
	// The driver has closed the connection, and says so, or why.
	if err := e.rollback(tx).fails(); !lost(err) && !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the rollback: %v", err)
	}
	eventually(t, "no connection in use", func() bool { return e.inUse() == 0 })
	e.number("SELECT 1")
}

// testRowsContextEnds has a result whose first batch comes, and no more.
func testRowsContextEnds(t *testing.T, e *mysqlEnv, _ *faultyServer) {
	table := e.numbers(1000)
	query := fmt.Sprintf("SELECT IF(n >= 500, SLEEP(%d), n), REPEAT('x', 1000) FROM %s ORDER BY n", endless, table)
	for _, rowsContext := range []bool{false, true} { // of the query
		for how, read := range map[string]func(context.Context, *mysql.Rows) interface{ failsWith(error) }{
			"Next": func(ctx context.Context, rows *mysql.Rows) interface{ failsWith(error) } {
				e.next(rows).must() // the first
				return begin(e.env, func(cb func([]*mysql.Row, error)) *adapter.Call { return rows.Next(ctx, cb) })
			},
			"Each": func(ctx context.Context, rows *mysql.Rows) interface{ failsWith(error) } {
				return begin(e.env, finish(func(cb func(error)) {
					rows.Each(ctx, func(*mysql.Row) error { return nil }, cb)
				}))
			},
			"Collect": func(ctx context.Context, rows *mysql.Rows) interface{ failsWith(error) } {
				return begin(e.env, func(cb func([]*mysql.Row, error)) *adapter.Call { return rows.Collect(ctx, 0, cb) })
			},
		} {
			ctx, cancel := bg, func() {}
			if rowsContext {
				ctx, cancel = context.WithCancel(bg)
			}
			rows := e.beginQuery(ctx, query).must()
			cancel()
			short, cancel := context.WithTimeout(bg, 50*time.Millisecond)
			read(short, rows).failsWith(context.DeadlineExceeded)
			cancel()
			eventually(t, "no connection in use after "+how, func() bool { return e.inUse() == 0 })
		}
	}
}

func testStopped(t *testing.T, e *mysqlEnv, srv *faultyServer) {
	e.number("SELECT 1")
	fresh := e.with(mysql.WithMaxConns(2))
	if err := srv.Pause(); errors.Is(err, errors.ErrUnsupported) {
		t.Skip("this system cannot stop a process")
	} else if err != nil {
		t.Fatal(err)
	}
	defer srv.Resume()
	// The signal may still be on its way, so an answer may come, but not for
	// ever.
	deadline := func(e *mysqlEnv) error {
		ctx, cancel := context.WithTimeout(bg, 100*time.Millisecond)
		defer cancel()
		_, err := e.beginRow(ctx, "SELECT 1").wait()
		return err
	}
	for name, e := range map[string]*mysqlEnv{"connected": e, "dialling": fresh} {
		var err error
		eventually(t, "the server stands still", func() bool { err = deadline(e); return err != nil })
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: %v, want the deadline", name, err)
		}
		eventually(t, "no connection in use", func() bool { return e.inUse() == 0 })
	}
	if err := srv.Resume(); err != nil {
		t.Fatal(err)
	}
	e.number("SELECT 1")
	fresh.number("SELECT 1")
}

func testCancelRunning(t *testing.T, e *mysqlEnv, _ *faultyServer) {
	query := e.sleeping(bg)
	if !query.Cancel() {
		t.Error("Cancel reports that the call had ended")
	}
	query.failsWith(context.Canceled)
	eventually(t, "no connection in use", func() bool { return e.inUse() == 0 })
}

func testLoopClosed(t *testing.T, e *mysqlEnv, _ *faultyServer) {
	db, dialer := e.counted(4)
	e = &mysqlEnv{e.env, e.mysqlServer, db}
	tx := e.tx()
	rows := e.query("SELECT n FROM " + e.numbers(300))
	query := e.sleeping(bg)
	calls := []*adapter.Call{query.Call}
	add := func(c *adapter.Call) { calls = append(calls, c) }
	add(begin(e.env, func(cb func(mysql.Result, error)) *adapter.Call {
		return tx.Exec(bg, fmt.Sprintf("DO SLEEP(%d)", endless), cb)
	}).Call)
	for range 8 { // more than there are slots
		add(e.beginRow(bg, fmt.Sprintf("SELECT SLEEP(%d)", endless)).Call)
	}
	e.cut = true
	if err := e.l.Close(); err != nil {
		t.Fatal(err)
	}
	add(e.next(rows).Call)
	add(begin(e.env, void(rows.Close)).Call)
	add(begin(e.env, void(tx.Rollback)).Call)
	add(e.beginExec(bg, "DO 1").Call)
	for _, c := range calls {
		await(t, c.Done())
	}
	ctx, cancel := context.WithTimeout(bg, prompt)
	defer cancel()
	e.db.Close(ctx, func(error) { t.Error("a callback ran on a closed loop") })
	// Not by the pool's OpenConnections: database/sql forgets to count down what
	// it was about to dial when it was closed.
	eventually(t, "all connections are closed", func() bool {
		for _, c := range dialer.dialled() {
			if !errors.Is(c.SetDeadline(time.Time{}), net.ErrClosed) {
				return false
			}
		}
		return true
	})
}

// counted returns a pool whose connections the test can see. The test closes it.
func (e *mysqlEnv) counted(conns int) (*mysql.DB, *countingDialer) {
	e.t.Helper()
	cfg, err := gomysql.ParseDSN(e.dsn)
	if err != nil {
		e.t.Fatal(err)
	}
	d := &countingDialer{d: &fakesock.Dialer{Loop: e.l}}
	cfg.DialFunc = d.DialContext
	connector, err := mysql.NewConnector(e.l, cfg)
	if err != nil {
		e.t.Fatal(err)
	}
	pool := stdsql.OpenDB(connector)
	pool.SetMaxOpenConns(conns)
	return sql.New(e.a.Backend("mysql", adapter.WithSlots(conns)), pool), d
}

// TestMySQLEmbeddedGoesAway closes the embedded server under a pool.
func TestMySQLEmbeddedGoesAway(t *testing.T) {
	srv, err := embedded.StartMySQL()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { srv.Close() })
	e := newMySQLEnv(t, mysqlServer{dsn: srv.DSN()})
	tx := e.tx()
	e.number("SELECT 1")
	if err := srv.Close(); err != nil {
		t.Fatal(err)
	}
	if err := e.txExec(tx, "SELECT 1").fails(); !lost(err) {
		t.Errorf("the transaction: %v", err)
	}
	if err := e.rollback(tx).fails(); !lost(err) {
		t.Errorf("the rollback: %v", err)
	}
	if err := e.beginExec(bg, "SELECT 1").fails(); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("a call: %v, want a refused connection", err)
	}
}
