package integration

import (
	"context"
	stdsql "database/sql"
	"errors"
	"fmt"
	"testing"

	"github.com/valet-go/valet/adapter"
	"github.com/valet-go/valet/backends/mysql"
	"github.com/valet-go/valet/backends/sql/syncsql"
	"github.com/valet-go/valet/cmd/internal/embedded"
	"github.com/valet-go/valet/cmd/internal/private"
)

// A program that was written for database/sql, run through callbacks: it is
// compared with what it sees of database/sql itself in backends/sql/syncsql, and
// runs here against real servers.

func TestMySQLSyncEmbedded(t *testing.T) {
	srv, err := embedded.StartMySQL()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { srv.Close() })
	testSync(t, newMySQLEnv(t, mysqlServer{dsn: srv.DSN()}))
}

func TestMySQLSyncMariaDB(t *testing.T) {
	testSync(t, newMySQLEnv(t, mysqlServer{dsn: private.RequireMariaDB(t).DSN(), real: true}))
}

func testSync(t *testing.T, e *mysqlEnv) {
	db := syncsql.NewDB(e.db)
	table := e.numbers(600)
	query := "SELECT n, label FROM " + table + " WHERE n >= ? ORDER BY n"
	read := func(rows *syncsql.Rows, err error) (n int) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		for ; rows.Next(); n++ {
			var got int
			var label stdsql.RawBytes
			if err := rows.Scan(&got, &label); err != nil || string(label) != fmt.Sprint("row ", got) {
				t.Fatalf("row %d is %d %q, %v", n, got, label, err)
			}
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
		return n
	}
	ok := func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}

	if n := read(db.Query(query, 0)); n != 600 {
		t.Errorf("read %d rows", n)
	}
	stmt, err := db.Prepare(query)
	ok(stmt, err)
	if n := read(stmt.Query(300)); n != 300 {
		t.Errorf("read %d rows by a statement", n)
	}

	tx, err := db.Begin()
	ok(tx, err)
	ok(tx.Exec("DELETE FROM "+table+" WHERE n >= ?", 500))
	if n := read(tx.Stmt(stmt).Query(0)); n != 500 {
		t.Errorf("the transaction sees %d rows", n)
	}
	ok(nil, tx.Rollback())
	if err := tx.Commit(); err != stdsql.ErrTxDone {
		t.Errorf("Commit after Rollback: %v", err)
	}
	ok(nil, stmt.Close())

	c, err := db.Conn(bg)
	ok(c, err)
	ok(c.ExecContext(bg, "SET @x = 42"))
	var x int
	ok(nil, c.QueryRowContext(bg, "SELECT @x").Scan(&x))
	ok(nil, c.PingContext(bg))
	ok(nil, c.Close())
	if x != 42 {
		t.Errorf("the session's variable is %d", x)
	}
	if err := db.QueryRow("SELECT n FROM " + table + " WHERE n < 0").Scan(&x); err != stdsql.ErrNoRows {
		t.Errorf("no row: %v", err)
	}
	var broken *mysql.MySQLError
	if _, err := db.Exec("SELECT FROM nowhere"); !errors.As(err, &broken) {
		t.Errorf("not SQL: %v", err)
	}
	ended, cancel := context.WithCancel(bg)
	cancel()
	if err := db.PingContext(ended); !errors.Is(err, context.Canceled) {
		t.Errorf("an ended context: %v", err)
	}
	if n := db.Stats().InUse; n != 0 {
		t.Errorf("%d connections are in use", n)
	}

	// On the loop it would wait for itself.
	begin(e.env, func(cb func(int, error)) *adapter.Call {
		return adapter.Go(bg, e.a, func(context.Context) (int, error) { return 0, nil }, func(n int, err error) {
			if db.Ping() == nil {
				t.Error("Ping waited on the loop")
			}
			cb(n, err)
		})
	}).must()
}
