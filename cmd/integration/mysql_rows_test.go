package integration

import (
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"testing"

	"github.com/valet-go/valet/adapter"
	"github.com/valet-go/valet/backends/mysql"
)

// batch is how many rows come at once; see backends/sql.
const batch = 256

// ways are the ways to read all rows.
var ways = map[string]func(*mysqlEnv, *mysql.Rows) []*mysql.Row{
	"Next":    (*mysqlEnv).nexts,
	"Each":    (*mysqlEnv).each,
	"Collect": func(e *mysqlEnv, rows *mysql.Rows) []*mysql.Row { return e.collect(rows, 0) },
}

func (e *mysqlEnv) next(rows *mysql.Rows) *pending[[]*mysql.Row] {
	return begin(e.env, func(cb func([]*mysql.Row, error)) *adapter.Call { return rows.Next(bg, cb) })
}

func (e *mysqlEnv) nexts(rows *mysql.Rows) (all []*mysql.Row) {
	e.t.Helper()
	for {
		some, err := e.next(rows).wait()
		switch {
		case err == io.EOF:
			e.next(rows).failsWith(io.EOF) // as often as it is asked
			return all
		case err != nil:
			e.t.Fatal(err)
		case len(some) == 0:
			e.t.Fatal("an empty batch")
		}
		all = append(all, some...)
	}
}

func (e *mysqlEnv) each(rows *mysql.Rows) (all []*mysql.Row) {
	e.t.Helper()
	must(e.env, finish(func(cb func(error)) {
		rows.Each(bg, func(row *mysql.Row) error {
			if !e.l.OnLoop() {
				e.t.Error("an item did not come on the loop")
			}
			all = append(all, row)
			return nil
		}, cb)
	}))
	return all
}

func (e *mysqlEnv) collect(rows *mysql.Rows, limit int) []*mysql.Row {
	e.t.Helper()
	return must(e.env, func(cb func([]*mysql.Row, error)) *adapter.Call { return rows.Collect(bg, limit, cb) })
}

func (e *mysqlEnv) closeRows(rows *mysql.Rows) {
	e.t.Helper()
	must(e.env, void(rows.Close))
}

// wantNumbers checks that the rows are the first n of a table of numbers.
func (e *mysqlEnv) wantNumbers(rows []*mysql.Row, n int) {
	e.t.Helper()
	if len(rows) != n {
		e.t.Errorf("got %d rows, want %d", len(rows), n)
	}
	for want, row := range rows {
		var got int
		var label string
		if err := row.Scan(&got, &label); err != nil || got != want || label != fmt.Sprintf("row %d", want) {
			e.t.Fatalf("row %d is %d %q, %v", want, got, label, err)
		}
	}
}

func testRows(t *testing.T, e *mysqlEnv) {
	sizes := []int{0, 1, batch - 1, batch, batch + 1}
	if e.real {
		sizes = append(sizes, 5000)
	}
	table := e.numbers(slices.Max(sizes))
	for way, read := range ways {
		for _, n := range sizes {
			text := fmt.Sprintf("SELECT n, label FROM %s WHERE n < %d ORDER BY n", table, n)
			e.wantNumbers(read(e, e.query(text)), n)
			e.wantIdle()
			binary := "SELECT n, label FROM " + table + " WHERE n < ? ORDER BY n"
			e.wantNumbers(read(e, e.query(binary, n)), n)
			e.wantIdle()
			if t.Failed() {
				t.Fatalf("with %d rows by %s", n, way)
			}
		}
	}
}

func testEachStops(t *testing.T, e *mysqlEnv) {
	rows := e.query("SELECT n FROM " + e.numbers(300))
	stop := errors.New("enough")
	seen := 0
	begin(e.env, finish(func(cb func(error)) {
		rows.Each(bg, func(*mysql.Row) error {
			if seen++; seen == 3 {
				return stop
			}
			return nil
		}, cb)
	})).failsWith(stop)
	if seen != 3 {
		t.Errorf("Each went on to %d rows after an error at the third", seen)
	}
	e.wantIdle()
	e.next(rows).failsWith(adapter.ErrClosed)
}

func testCollectLimit(t *testing.T, e *mysqlEnv) {
	table := e.numbers(300)
	for _, limit := range []int{1, batch, batch + 1, 299, 300, 301} {
		rows := e.query("SELECT n, label FROM " + table + " ORDER BY n")
		e.wantNumbers(e.collect(rows, limit), min(limit, 300))
		e.wantIdle()
		if _, err := e.next(rows).wait(); !errors.Is(err, adapter.ErrClosed) && err != io.EOF {
			t.Errorf("after Collect of %d: %v", limit, err)
		}
	}
}

func testCloseEarly(_ *testing.T, e *mysqlEnv) {
	table := e.numbers(300)
	for _, read := range []int{0, 1} {
		rows := e.query("SELECT n FROM " + table)
		for range read {
			e.next(rows).must()
		}
		e.closeRows(rows)
		e.wantIdle()
		e.next(rows).failsWith(adapter.ErrClosed)
		e.closeRows(rows)
	}
}

func testSmallRowsHoldNothing(t *testing.T, e *mysqlEnv) {
	table := e.numbers(300)
	for n, held := range map[int]int{0: 0, 1: 0, batch - 1: 0, batch: 1, batch + 1: 1} {
		rows := e.query("SELECT n, label FROM "+table+" WHERE n < ? ORDER BY n", n)
		if got := e.inUse(); got != held {
			t.Errorf("%d rows hold %d connections, want %d", n, got, held)
		}
		e.wantNumbers(e.collect(rows, 0), n)
		e.wantIdle()
	}
}

func testColumns(t *testing.T, e *mysqlEnv) {
	table := e.table("id INT PRIMARY KEY, name VARCHAR(20)")
	e.exec("INSERT INTO " + table + " VALUES (1, 'Ada')")
	query := "SELECT id, name AS called FROM " + table
	raw, err := e.raw(e.dsn).QueryContext(bg, query)
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	want, err := raw.ColumnTypes()
	if err != nil {
		t.Fatal(err)
	}
	for _, query := range []string{query, query + " WHERE id > 1"} { // also without a row
		rows := e.query(query)
		if want := []string{"id", "called"}; !reflect.DeepEqual(rows.Columns(), want) {
			t.Errorf("columns %q, want %q", rows.Columns(), want)
		}
		got := rows.ColumnTypes()
		if len(got) != len(want) {
			t.Fatalf("%d column types, want %d", len(got), len(want))
		}
		for i, c := range got {
			if c.Name() != want[i].Name() || c.DatabaseTypeName() != want[i].DatabaseTypeName() || c.ScanType() != want[i].ScanType() {
				t.Errorf("column %d is a %s %s, want a %s %s", i, c.DatabaseTypeName(), c.Name(), want[i].DatabaseTypeName(), want[i].Name())
			}
		}
		e.closeRows(rows)
	}
	row := e.beginRow(bg, query).must()
	if values := row.Values(); len(values) != 2 || values[0] != int64(1) {
		t.Errorf("values %v, want 1 and Ada", values)
	}
}
