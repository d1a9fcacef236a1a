package integration

import (
	"context"
	stdsql "database/sql"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/valet-go/valet/adapter"
	"github.com/valet-go/valet/backends/mysql"
	"github.com/valet-go/valet/cmd/internal/private"
)

func TestMySQLKill(t *testing.T) {
	db := private.RequireMariaDB(t)
	srv := &faultyServer{db, mysqlServer{dsn: db.DSN(), real: true}}
	for _, test := range []struct {
		name string
		run  func(*testing.T, *mysqlEnv, *faultyServer)
	}{
		{"a killed call leaves its connection usable", testKillKinds},
		{"a killed statement leaves its transaction usable", testKillInTx},
		{"rows that do not come can be killed", testKillRows},
		{"what database/sql does in a body can be killed", testKillBody},
		{"connections of another dialer can be killed", testKillOtherDialer},
		{"connections over a unix socket can be killed", testKillUnix},
		{"a call under another policy asks nothing more", testKillCostsOthersNothing},
		{"a server that refuses a kill has its connection closed", testKillRefused},
		{"a server that stands still has its connection closed", testKillFrozen},
		{"a late kill hits nobody", testKillRace},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, newMySQLEnv(t, srv.mysqlServer), srv) })
	}
}

// killing returns an env whose calls are killed, with one connection.
func (e *mysqlEnv) killing(opts ...adapter.Option) *mysqlEnv {
	e.t.Helper()
	opts = append([]adapter.Option{adapter.WithCancel(adapter.Kill), adapter.WithGrace(patience)}, opts...)
	return e.with(mysql.WithMaxConns(1), mysql.WithCalls(opts...))
}

// sleeper is a query that lasts for a minute and can be found on the server.
func sleeper() (query, mark string) {
	mark = fmt.Sprintf("sleeper %d.", tables.Add(1))
	return "SELECT /* " + mark + " */ SLEEP(60)", mark
}

// sleeps tells how many queries with the mark the server runs.
func (e *mysqlEnv) sleeps(watcher *stdsql.DB, mark string) (n int) {
	e.t.Helper()
	return e.states(watcher, "User sleep", mark)
}

// states tells how many statements with the mark are in a state. (It does not
// ask information_schema.innodb_trx, whose content stands still while somebody
// polls it.)
func (e *mysqlEnv) states(watcher *stdsql.DB, state, mark string) (n int) {
	e.t.Helper()
	err := watcher.QueryRowContext(bg,
		"SELECT COUNT(*) FROM information_schema.processlist WHERE state = ? AND info LIKE ?", state, "%"+mark+"%").Scan(&n)
	if err != nil {
		e.t.Fatal(err)
	}
	return n
}

// wantKilled waits until the server runs the query with the mark, and then
// checks that cancelling p ends that, with the errors that this must have.
func (e *mysqlEnv) wantKilled(mark string, cancel func(), p interface{ failsWith(error) }) {
	e.t.Helper()
	watcher := e.raw(e.dsn)
	defer watcher.Close()
	eventually(e.t, "the server runs "+mark, func() bool { return e.sleeps(watcher, mark) == 1 })
	began := time.Now()
	cancel()
	eventually(e.t, "the server has stopped "+mark, func() bool { return e.sleeps(watcher, mark) == 0 })
	e.t.Logf("%s stopped after %v", mark, time.Since(began))
	p.failsWith(context.Canceled)
	e.wantInterrupted(p)
}

// reads reports whether a call of the pool waits for the server.
func (e *mysqlEnv) reads() bool {
	for _, c := range e.db.Adapter().Calls(0) {
		if c.Parked != nil && c.Parked.Op == "read" {
			return true
		}
	}
	return false
}

// wantInterrupted checks that the error of p is the server's as well.
func (e *mysqlEnv) wantInterrupted(p any) {
	e.t.Helper()
	var server *mysql.MySQLError
	err := p.(interface{ fails() error }).fails()
	if !errors.As(err, &server) || server.Number != 1317 {
		e.t.Errorf("the error is %v, want number 1317 in it", err)
	}
}

func testKillKinds(t *testing.T, e *mysqlEnv, _ *faultyServer) {
	e = e.killing()
	id := e.number("SELECT CONNECTION_ID()")
	type cancelled interface {
		Cancel() bool
		failsWith(error)
	}
	slow := e.prepare("SELECT ?, SLEEP(60)")
	for _, kind := range []struct {
		name  string
		start func(query string) cancelled
	}{
		{"Exec", func(query string) cancelled { return e.beginExec(bg, query) }},
		{"Exec with arguments", func(query string) cancelled { return e.beginExec(bg, query+", ?", 1) }},
		{"Query", func(query string) cancelled { return e.beginQuery(bg, query) }},
		{"Query with arguments", func(query string) cancelled { return e.beginQuery(bg, query+", ?", 1) }},
		{"QueryRow", func(query string) cancelled { return e.beginRow(bg, query) }},
		{"QueryRow with arguments", func(query string) cancelled { return e.beginRow(bg, query+", ?", 1) }},
	} {
		query, mark := sleeper()
		p := kind.start(query)
		e.wantKilled(mark, func() {
			if !p.Cancel() {
				t.Errorf("%s: Cancel reports that the call had ended", kind.name)
			}
		}, p)
		if now := e.number("SELECT CONNECTION_ID()"); now != id {
			t.Errorf("after %s: connection %d, want %d again", kind.name, now, id)
		}
	}
	row := begin(e.env, func(cb func(*mysql.Row, error)) *adapter.Call { return slow.QueryRow(bg, cb, "x") })
	e.wantKilled("SELECT ?, SLEEP(60)", func() { row.Cancel() }, row)
	// Another one: what MariaDB remembers of a statement that has been queried
	// makes the driver's Exec wait for columns that do not come.
	must(e.env, void(slow.Close))
	slow = e.prepare("SELECT ?, SLEEP(60)")
	exec := begin(e.env, func(cb func(mysql.Result, error)) *adapter.Call { return slow.Exec(bg, cb, "x") })
	e.wantKilled("SELECT ?, SLEEP(60)", func() { exec.Cancel() }, exec)
	if now := e.number("SELECT CONNECTION_ID()"); now != id {
		t.Errorf("after a prepared statement: connection %d, want %d again", now, id)
	}
	// Also by the end of a context, with its error.
	query, mark := sleeper()
	ctx, cancel := context.WithTimeout(bg, time.Hour)
	p := e.beginRow(ctx, query)
	e.wantKilled(mark, cancel, p)
	must(e.env, void(slow.Close))
	e.wantIdle()
}

func testKillInTx(t *testing.T, e *mysqlEnv, _ *faultyServer) {
	e = e.killing()
	table := e.table("id INT PRIMARY KEY")
	tx := e.tx()
	e.txExec(tx, "INSERT INTO "+table+" VALUES (1)").must()
	query, mark := sleeper()
	p := begin(e.env, func(cb func(*mysql.Row, error)) *adapter.Call { return tx.QueryRow(bg, query, cb) })
	e.wantKilled(mark, func() { p.Cancel() }, p)
	e.txExec(tx, "INSERT INTO "+table+" VALUES (2)").must()
	e.commit(tx).must()
	if n := e.number("SELECT COUNT(*) FROM " + table); n != 2 {
		t.Errorf("%d rows were committed, want 2", n)
	}

	// A statement that waits for a lock.
	other := e.raw(e.dsn)
	lock, err := other.Begin()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := lock.ExecContext(bg, "DELETE FROM "+table+" WHERE id = 1"); err != nil {
		t.Fatal(err)
	}
	tx = e.tx()
	waits := e.txExec(tx, "UPDATE "+table+" SET id = 7 WHERE id = 1")
	eventually(t, "the statement waits", func() bool { return e.states(other, "Updating", "SET id = 7") == 1 })
	waits.Cancel()
	waits.failsWith(context.Canceled)
	e.wantInterrupted(waits)
	if err := lock.Rollback(); err != nil {
		t.Fatal(err)
	}
	e.txExec(tx, "DELETE FROM "+table+" WHERE id = 1").must()
	e.commit(tx).must()
	if n := e.number("SELECT COUNT(*) FROM " + table); n != 1 {
		t.Errorf("%d rows are left, want 1", n)
	}
}

func testKillRows(t *testing.T, e *mysqlEnv, _ *faultyServer) {
	e = e.killing()
	table := e.numbers(1000)
	id := e.number("SELECT CONNECTION_ID()")
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
		for _, args := range [][]any{nil, {500}} { // text and binary
			_, mark := sleeper()
			at := "500"
			if args != nil {
				at = "?"
			}
			rows := e.query(fmt.Sprintf("SELECT /* %s */ IF(n >= %s, SLEEP(60), n), REPEAT('x', 1000) FROM %s ORDER BY n", mark, at, table), args...)
			ctx, cancel := context.WithCancel(bg)
			call := read(ctx, rows)
			eventually(t, "the call waits for the server", e.reads) // which is ahead of what is read
			e.wantKilled(mark, cancel, call)
			eventually(t, "no connection in use after "+how, func() bool { return e.inUse() == 0 })
			if now := e.number("SELECT CONNECTION_ID()"); now != id {
				t.Errorf("after %s: connection %d, want %d again", how, now, id)
			}
		}
	}
	// While the query itself fetches them.
	_, mark := sleeper()
	p := e.beginQuery(bg, fmt.Sprintf("SELECT /* %s */ IF(n >= 100, SLEEP(60), n), REPEAT('x', 1000) FROM %s ORDER BY n", mark, table))
	e.wantKilled(mark, func() { p.Cancel() }, p)
	// A result that comes without pause, and has no end that could be waited for.
	rows := e.query("SELECT a.n, REPEAT('x', 1000) FROM " + table + " a, " + table + " b, " + table + " c")
	ctx, cancel := context.WithCancel(bg)
	seen := 0
	each := begin(e.env, finish(func(cb func(error)) {
		rows.Each(ctx, func(*mysql.Row) error {
			if seen++; seen == 1000 {
				cancel()
			}
			return nil
		}, cb)
	}))
	each.failsWith(context.Canceled)
	eventually(t, "no connection in use", func() bool { return e.inUse() == 0 })
	if now := e.number("SELECT CONNECTION_ID()"); now != id {
		t.Errorf("connection %d, want %d again", now, id)
	}
}

func testKillBody(t *testing.T, e *mysqlEnv, _ *faultyServer) {
	e = e.killing()
	db := e.db.Unwrap()
	id := e.number("SELECT CONNECTION_ID()")
	query, mark := sleeper()
	a := e.a.Backend("bodies", adapter.WithCancel(adapter.Kill))
	after := errors.New("nothing was asked")
	p := begin(e.env, func(cb func(int, error)) *adapter.Call {
		return adapter.Go(bg, a, func(ctx context.Context) (n int, err error) {
			err = db.QueryRowContext(ctx, query).Scan(&n)
			if _, err := db.ExecContext(ctx, "DO 1"); !errors.Is(err, context.Canceled) {
				after = fmt.Errorf("what the body asks after it was cancelled: %w", err)
			} else {
				after = nil
			}
			return n, err
		}, cb)
	})
	e.wantKilled(mark, func() { p.Cancel() }, p)
	if after != nil {
		t.Error(after)
	}
	if now := e.number("SELECT CONNECTION_ID()"); now != id {
		t.Errorf("connection %d, want %d again", now, id)
	}
}
