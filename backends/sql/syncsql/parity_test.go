package syncsql

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"reflect"
	"testing"
)

// rowser is what Rows of both packages have.
type rowser interface {
	Next() bool
	NextResultSet() bool
	Scan(dest ...any) error
	Close() error
	Err() error
	Columns() ([]string, error)
	ColumnTypes() ([]*sql.ColumnType, error)
}

var _, _ rowser = (*sql.Rows)(nil), (*Rows)(nil)

// log is what a program saw.
type log []string

func (l *log) add(args ...any) { *l = append(*l, fmt.Sprint(args...)) }

// same runs a program with both pools' rows, and compares what they saw.
func same(t *testing.T, query string, program func(rs rowser, l *log)) {
	t.Helper()
	plain, through := open(t)
	var want, got log
	a, err := plain.QueryContext(bg, query)
	if err != nil {
		t.Fatal(err)
	}
	program(a, &want)
	b, err := through.QueryContext(bg, query)
	if err != nil {
		t.Fatal(err)
	}
	program(b, &got)
	for i := range max(len(got), len(want)) {
		if i >= len(got) || i >= len(want) || got[i] != want[i] {
			t.Errorf("%s: saw\n%q\nand by database/sql\n%q", query, got[min(i, len(got)):], want[min(i, len(want)):])
			return
		}
	}
}

func readAll(rs rowser, l *log) {
	for rs.Next() {
		var n int
		var text string
		l.add(rs.Scan(&n, &text), n, text)
	}
	l.add(rs.Err(), rs.Next())
}

func TestRowsAreReadAsByDatabaseSQL(t *testing.T) {
	for _, query := range []string{"0", "1", "255", "256", "257", "1000", "3!", "256!", "300!", "512!"} {
		same(t, query, func(rs rowser, l *log) {
			columns, err := rs.Columns()
			l.add(columns, err)
			readAll(rs, l)
			columns, err = rs.Columns()
			l.add(columns, err)
			types, err := rs.ColumnTypes()
			l.add(len(types), err)
			l.add(rs.Scan(new(int), new(string)))
			l.add(rs.Close(), rs.Close(), rs.Err())
		})
	}
}

func TestRowsAreClosedAsByDatabaseSQL(t *testing.T) {
	for _, query := range []string{"3", "300", "512?"} {
		same(t, query, func(rs rowser, l *log) {
			l.add(rs.Next(), rs.Close(), rs.Next(), rs.Err(), rs.NextResultSet())
			l.add(rs.Scan(new(int), new(string)))
		})
	}
}

func TestScanReportsAsDatabaseSQL(t *testing.T) {
	same(t, "2", func(rs rowser, l *log) {
		l.add(rs.Scan(new(int), new(string))) // before Next
		l.add(rs.Next())
		l.add(rs.Scan(new(int)))
		l.add(rs.Scan())
		l.add(rs.Scan(new(int), new(int)))
		l.add(rs.Scan(new(int), (*string)(nil)))
		var n sql.NullInt64
		var b []byte
		var v any
		l.add(rs.Scan(&n, &b), n, b)
		l.add(rs.Scan(&n, &v), v)
		var raw, none sql.RawBytes
		l.add(rs.Scan(&none, &raw), none, raw)
		l.add(rs.Next(), rs.Scan(&v, &raw), v, raw)
		l.add(rs.Next(), rs.Err())
	})
}

func TestResultSetsAreReadAsByDatabaseSQL(t *testing.T) {
	for _, query := range []string{"2;0;1", "1;300", "300;1", "1;512!", "0;0;1"} {
		same(t, query, func(rs rowser, l *log) {
			readAll(rs, l)
			for rs.NextResultSet() {
				columns, err := rs.Columns()
				l.add(columns, err)
				readAll(rs, l)
			}
			l.add(rs.Err(), rs.Close())
		})
		same(t, query, func(rs rowser, l *log) { // without reading
			for rs.NextResultSet() {
				l.add("another")
			}
			l.add(rs.Err(), rs.Close())
		})
	}
}

// rower is what Row of both packages has.
type rower interface {
	Err() error
	Scan(dest ...any) error
}

func TestARowIsReadAsByDatabaseSQL(t *testing.T) {
	plain, through := open(t)
	ended, cancel := context.WithCancel(bg)
	cancel()
	for _, ctx := range []context.Context{bg, ended} {
		for _, query := range []string{"0", "1", "3", "error", "0!", "1!"} {
			see := func(r rower) (l log) {
				var n int
				var text string
				l.add(r.Err())
				l.add(r.Scan(&n, &text), n, text)
				return l
			}
			want, got := see(plain.QueryRowContext(ctx, query)), see(through.QueryRowContext(ctx, query))
			if query == "0!" || query == "1!" { // the rows are read before Err is asked
				want, got = want[1:], got[1:]
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("%s: saw %q, and by database/sql %q", query, got, want)
			}
		}
	}
	if err := through.QueryRow("1").Scan(new(sql.RawBytes), new(string)); fmt.Sprint(err) != fmt.Sprint(plain.QueryRow("1").Scan(new(sql.RawBytes), new(string))) {
		t.Errorf("RawBytes: %v", err)
	}
}

func TestTransactionsAndStatements(t *testing.T) {
	_, db := open(t)
	if res, err := db.Exec("x", 1, 2); err != nil {
		t.Error(err)
	} else if n, _ := res.RowsAffected(); n != 2 {
		t.Errorf("%d rows affected, want 2", n)
	}
	if _, err := db.Exec("error"); !errors.Is(err, errFake) {
		t.Error(err)
	}
	stmt, err := db.Prepare("1")
	if err != nil {
		t.Fatal(err)
	}
	tx, err := db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	own := tx.Stmt(stmt)
	var n int
	var text string
	if err := own.QueryRow().Scan(&n, &text); err != nil || text != "row 0" {
		t.Error(text, err)
	}
	for _, err := range []error{own.Close(), tx.Commit(), stmt.Close()} {
		if err != nil {
			t.Error(err)
		}
	}
	if err := tx.Rollback(); err != sql.ErrTxDone {
		t.Errorf("Rollback after Commit: %v", err)
	}
	if late := tx.Stmt(stmt); late == nil {
		t.Error("no statement")
	} else if _, err := late.Exec(); err != sql.ErrTxDone {
		t.Errorf("a statement of an ended transaction: %v", err)
	}
}

func TestAnEndedContextEndsItsTransactionAndItsRows(t *testing.T) {
	_, db := open(t)
	c, err := db.Conn(bg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(bg)
	tx, err := c.BeginTx(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := c.Close(); err != nil { // once it has been rolled back
		t.Error(err)
	}
	if _, err := tx.Exec("x"); err == nil {
		t.Error("the transaction goes on without its context")
	}

	ctx, cancel = context.WithCancel(bg)
	rows, err := db.QueryContext(ctx, "600")
	if err != nil {
		t.Fatal(err)
	}
	if !rows.Next() {
		t.Fatal(rows.Err())
	}
	cancel()
	if rows.Next() || !errors.Is(rows.Err(), context.Canceled) {
		t.Errorf("the rows go on without their context: %v", rows.Err())
	}
	if n := db.Stats().InUse; n != 0 {
		t.Errorf("%d connections are in use", n)
	}
}

func TestAnEndedContextFreesTheConnectionOfItsRows(t *testing.T) {
	_, db := open(t)
	db.SetMaxOpenConns(1)
	ctx, cancel := context.WithCancel(bg)
	rows, err := db.QueryContext(ctx, "600")
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := db.Ping(); err != nil { // over the one connection
		t.Error(err)
	}
	if rows.Next() || rows.Err() != context.Canceled || rows.Close() != nil {
		t.Errorf("the rows ended with %v", rows.Err())
	}
}
