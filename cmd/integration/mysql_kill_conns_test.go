package integration

import (
	"context"
	stdsql "database/sql"
	"errors"
	"net"
	"testing"
	"time"

	gomysql "github.com/go-sql-driver/mysql"

	"github.com/valet-go/valet/adapter"
	"github.com/valet-go/valet/backends/mysql"
	"github.com/valet-go/valet/backends/sql"
)

func testKillOtherDialer(t *testing.T, e *mysqlEnv, _ *faultyServer) {
	cfg, err := gomysql.ParseDSN(e.dsn)
	if err != nil {
		t.Fatal(err)
	}
	var native net.Dialer
	cfg.DialFunc = native.DialContext
	connector, err := mysql.NewConnector(e.l, cfg)
	if err != nil {
		t.Fatal(err)
	}
	pool := stdsql.OpenDB(connector)
	pool.SetMaxOpenConns(1)
	own := &mysqlEnv{e.env, e.mysqlServer, sql.New(e.a.Backend("mysql", adapter.WithSlots(1), adapter.WithCancel(adapter.Kill)), pool)}
	id := own.number("SELECT CONNECTION_ID()")
	query, mark := sleeper()
	p := own.beginRow(bg, query)
	own.wantKilled(mark, func() { p.Cancel() }, p)
	if now := own.number("SELECT CONNECTION_ID()"); now != id {
		t.Errorf("connection %d, want %d again", now, id)
	}
	must(e.env, finish(func(cb func(error)) { own.db.Close(bg, cb) }))
}

func testKillUnix(t *testing.T, e *mysqlEnv, _ *faultyServer) {
	path := must(e.env, func(cb func(string, error)) *adapter.Call { return mysql.Get(bg, e.db, "SELECT @@socket", cb) })
	dsn := dsnWith(t, e.dsn, func(c *gomysql.Config) { c.Net, c.Addr = "unix", path })
	own := newMySQLEnv(t, mysqlServer{dsn: dsn, real: true}).killing()
	id := own.number("SELECT CONNECTION_ID()")
	query, mark := sleeper()
	p := own.beginRow(bg, query)
	own.wantKilled(mark, func() { p.Cancel() }, p)
	if now := own.number("SELECT CONNECTION_ID()"); now != id {
		t.Errorf("connection %d, want %d again", now, id)
	}
}

// testKillCostsOthersNothing counts what the server was asked.
func testKillCostsOthersNothing(t *testing.T, e *mysqlEnv, _ *faultyServer) {
	questions := func(e *mysqlEnv) (n int) {
		e.t.Helper()
		var name string
		if err := e.beginRow(bg, "SHOW SESSION STATUS LIKE 'Questions'").must().Scan(&name, &n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	for _, policy := range []adapter.CancelPolicy{adapter.Close, adapter.Abandon, adapter.Kill} {
		e := e.with(mysql.WithMaxConns(1), mysql.WithCalls(adapter.WithCancel(policy)))
		before := questions(e)
		e.number("SELECT 1")
		if n := questions(e) - before; n != 2 { // with the SHOW itself
			t.Errorf("with the policy %v the server was asked %d questions, want 2", policy, n)
		}
	}
}

func testKillRefused(t *testing.T, e *mysqlEnv, srv *faultyServer) {
	e.exec("CREATE USER 'lonely'@'127.0.0.1' IDENTIFIED BY 'secret' WITH MAX_USER_CONNECTIONS 1")
	e.exec("GRANT ALL ON *.* TO 'lonely'@'127.0.0.1'")
	watcher := e.raw(e.dsn)
	alone := newMySQLEnv(t, mysqlServer{dsn: srv.DSNFor("lonely", "secret"), real: true},
		mysql.WithMaxConns(1), mysql.WithCalls(adapter.WithCancel(adapter.Kill), adapter.WithGrace(patience)))
	query, mark := sleeper()
	p := alone.beginRow(bg, query)
	eventually(t, "the server runs it", func() bool { return e.sleeps(watcher, mark) == 1 })
	p.Cancel()
	p.failsWith(context.Canceled)
	var refused *mysql.MySQLError
	if err := p.fails(); !errors.As(err, &refused) || refused.Number != 1226 {
		t.Errorf("got %v, want why the kill was refused", err)
	}
	eventually(t, "no connection in use", func() bool { return alone.inUse() == 0 })
	if n := alone.db.Unwrap().Stats().OpenConnections; n != 0 {
		t.Errorf("%d connections are open, want none", n)
	}
	if _, err := watcher.ExecContext(bg, "DROP USER 'lonely'@'127.0.0.1'"); err != nil {
		t.Fatal(err)
	}
}

func testKillFrozen(t *testing.T, e *mysqlEnv, srv *faultyServer) {
	frozen := e.with(mysql.WithMaxConns(1), mysql.WithCalls(adapter.WithCancel(adapter.Kill), adapter.WithGrace(200*time.Millisecond)))
	query, mark := sleeper()
	p := frozen.beginRow(bg, query)
	watcher := e.raw(e.dsn)
	eventually(t, "the server runs it", func() bool { return e.sleeps(watcher, mark) == 1 })
	watcher.Close()
	if err := srv.Pause(); errors.Is(err, errors.ErrUnsupported) {
		p.Cancel()
		t.Skip("this system cannot stop a process")
	} else if err != nil {
		t.Fatal(err)
	}
	defer srv.Resume()
	began := time.Now()
	p.Cancel()
	p.failsWith(context.Canceled)
	took := time.Since(began)
	t.Logf("gave up after %v", took)
	if took > 3*time.Second {
		t.Errorf("gave up after %v, with a grace of 200 ms", took)
	}
	eventually(t, "no connection in use", func() bool { return frozen.inUse() == 0 })
	if err := srv.Resume(); err != nil {
		t.Fatal(err)
	}
	frozen.number("SELECT 1")
}
