package integration

import (
	"errors"
	"fmt"
	"io"
	"reflect"
	"testing"

	driver "github.com/go-sql-driver/mysql"

	"github.com/valet-go/valet/adapter"
	"github.com/valet-go/valet/backends/mysql"
	"github.com/valet-go/valet/cmd/internal/private"
)

func TestMySQLResultSets(t *testing.T) {
	db := private.RequireMariaDB(t)
	srv := mysqlServer{dsn: dsnWith(t, db.DSN(), func(c *driver.Config) { c.MultiStatements = true }), real: true}
	for _, test := range []struct {
		name string
		run  func(*testing.T, *mysqlEnv)
	}{
		{"each result set is read by itself", testSets},
		{"result sets can be skipped and closed", testSetsSkipped},
		{"an error in a later statement is reported", testSetsError},
		{"a procedure's result ends as any other", testProcedure},
		{"a transaction reads several result sets", testSetsInTx},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, newMySQLEnv(t, srv)) })
	}
}

func (e *mysqlEnv) nextSet(rows *mysql.Rows) *pending[bool] {
	return begin(e.env, func(cb func(bool, error)) *adapter.Call { return rows.NextResultSet(bg, cb) })
}

func testSets(t *testing.T, e *mysqlEnv) {
	table := e.numbers(1000)
	for way, read := range ways {
		rows := e.query(fmt.Sprintf("SELECT n, label FROM %s WHERE n < 3 ORDER BY n; SELECT n, label FROM %s ORDER BY n; DO 1; SELECT 'x' AS z, n FROM %s WHERE n < 0", table, table, table))
		e.wantNumbers(read(e, rows), 3)
		if !rows.HasNextResultSet() || e.inUse() != 1 {
			t.Fatalf("by %s: after the first set: next %v, %d connections in use", way, rows.HasNextResultSet(), e.inUse())
		}
		if !e.nextSet(rows).must() {
			t.Fatalf("by %s: no second result set", way)
		}
		e.wantNumbers(read(e, rows), 1000)
		if !e.nextSet(rows).must() {
			t.Fatalf("by %s: no third result set", way)
		}
		if want := []string{"z", "n"}; !reflect.DeepEqual(rows.Columns(), want) || len(rows.ColumnTypes()) != 2 {
			t.Errorf("columns %q, want %q", rows.Columns(), want)
		}
		if got := read(e, rows); len(got) != 0 || rows.HasNextResultSet() {
			t.Errorf("the last set has %d rows, next %v", len(got), rows.HasNextResultSet())
		}
		e.wantIdle()
		if e.nextSet(rows).must() {
			t.Error("a fourth result set")
		}
		e.closeRows(rows)
	}
}

func testSetsSkipped(t *testing.T, e *mysqlEnv) {
	table := e.numbers(1000)
	query := fmt.Sprintf("SELECT n FROM %s; SELECT n, label FROM %s ORDER BY n; SELECT 7", table, table)
	for _, read := range []int{0, 1, 2, 3} { // batches of the first set, of 256, 512 and 232
		rows := e.query(query)
		for range read {
			e.next(rows).must()
		}
		if !e.nextSet(rows).must() {
			t.Fatal("no second set")
		}
		e.wantNumbers(e.nexts(rows), 1000)
		if !e.nextSet(rows).must() || e.nextSet(rows).must() {
			t.Error("want one more set, and then none")
		}
		e.wantIdle()
	}
	for _, sets := range []int{0, 1} { // read to their end
		rows := e.query(query)
		for range sets {
			e.nexts(rows)
		}
		e.closeRows(rows)
		e.wantIdle()
		if rows.HasNextResultSet() {
			t.Error("closed rows have a next set")
		}
		e.next(rows).wait()
		e.nextSet(rows).failsWith(adapter.ErrClosed)
		e.closeRows(rows)
	}
	// By an item's error, and with a limit.
	rows, stop := e.query(query), errors.New("enough")
	begin(e.env, finish(func(cb func(error)) { rows.Each(bg, func(*mysql.Row) error { return stop }, cb) })).failsWith(stop)
	e.closeRows(rows)
	e.wantIdle()
	e.collect(e.query(query), 300)
	e.wantIdle()
	if n := e.number(query); n != 0 {
		t.Errorf("QueryRow read %d", n)
	}
	e.wantIdle()
}

func testSetsError(t *testing.T, e *mysqlEnv) {
	rows := e.query("SELECT 1; SELECT * FROM no_such_table; SELECT 2")
	e.next(rows).must()
	var server *mysql.MySQLError
	if err := e.next(rows).fails(); !errors.As(err, &server) || server.Number != 1146 {
		t.Errorf("the end of the first set: %v, want the error of the second", err)
	}
	e.wantIdle()
	rows = e.query("SELECT 1; SELECT * FROM no_such_table; SELECT 2")
	if err := e.nextSet(rows).fails(); !errors.As(err, &server) || server.Number != 1146 {
		t.Errorf("the second set: %v", err)
	}
	e.wantIdle()
}

func testProcedure(t *testing.T, e *mysqlEnv) {
	table := e.numbers(5)
	e.exec("CREATE PROCEDURE p_" + table + "() BEGIN SELECT n, label FROM " + table + " ORDER BY n; END")
	for _, read := range ways {
		rows := e.query("CALL p_" + table + "()")
		e.wantNumbers(read(e, rows), 5)
		if rows.HasNextResultSet() {
			t.Error("there is a second result set")
		}
		e.wantIdle()
	}
	rows := e.query("CALL p_" + table + "()")
	e.next(rows).must()
	e.next(rows).failsWith(io.EOF)
	e.wantIdle()
}

func testSetsInTx(t *testing.T, e *mysqlEnv) {
	tx := e.tx()
	rows := must(e.env, func(cb func(*mysql.Rows, error)) *adapter.Call {
		return tx.Query(bg, "SELECT 1; SELECT 2", cb)
	})
	e.nexts(rows)
	if !e.nextSet(rows).must() {
		t.Error("no second set")
	}
	e.nexts(rows)
	e.txExec(tx, "DO 1").must()
	e.commit(tx).must()
	e.wantIdle()
}
