package integration

import (
	stdsql "database/sql"
	"fmt"
	"reflect"
	"testing"
	"time"

	driver "github.com/go-sql-driver/mysql"

	"github.com/valet-go/valet/backends/mysql"
)

// Types that are not the driver's own.
type (
	named      string
	namedInt   int32
	namedBytes []byte
	namedTime  time.Time
	pair       struct{ A, B int }

	// taker records what a Scanner is given.
	taker struct{ got string }
)

func (s *taker) Scan(v any) error {
	s.got = fmt.Sprintf("%T %v", v, v)
	if v == nil {
		return fmt.Errorf("taker: no value")
	}
	return nil
}

// destinations makes one fresh destination of each kind. Of nil pointers it has
// those that database/sql survives: with others it panics, and then deadlocks.
var destinations = []func() any{
	func() any { return new(string) },
	func() any { return new(int) },
	func() any { return new(int8) },
	func() any { return new(int64) },
	func() any { return new(uint8) },
	func() any { return new(uint64) },
	func() any { return new(float32) },
	func() any { return new(float64) },
	func() any { return new(bool) },
	func() any { return new([]byte) },
	func() any { return new(any) },
	func() any { return new(time.Time) },
	func() any { return new(*string) },
	func() any { return new(*int) },
	func() any { return new(*time.Time) },
	func() any { return new(**string) },
	func() any { return new(stdsql.NullString) },
	func() any { return new(stdsql.NullInt64) },
	func() any { return new(stdsql.NullInt16) },
	func() any { return new(stdsql.NullFloat64) },
	func() any { return new(stdsql.NullBool) },
	func() any { return new(stdsql.NullTime) },
	func() any { return new(stdsql.Null[uint64]) },
	func() any { return new(stdsql.RawBytes) },
	func() any { return new(named) },
	func() any { return new(namedInt) },
	func() any { return new(namedBytes) },
	func() any { return new(namedTime) },
	func() any { return new(pair) },
	func() any { return new(taker) },
	func() any { return new(chan int) },
	func() any { return new([]string) },
	func() any { return nil },
	func() any { return "not a pointer" },
	func() any { return (*int)(nil) },
	func() any { return (*int64)(nil) },
	func() any { return (*float64)(nil) },
	func() any { return (*named)(nil) },
}

// values is a table with a column of each type, and a row of NULLs.
func (e *mysqlEnv) values() (table string, columns []string) {
	e.t.Helper()
	table = e.table(`id INT PRIMARY KEY, i INT, big BIGINT UNSIGNED, tiny TINYINT(1), f DOUBLE, f4 FLOAT,
		price DECIMAL(10,2), s VARCHAR(50), digits VARCHAR(50), blank VARCHAR(5), b BLOB, at DATETIME(6), day DATE`)
	e.exec("INSERT INTO "+table+" VALUES (1, -70000, 18446744073709551615, 1, 2.5, 1.25, 12.30, 'Zoë', '42', '', ?, '2024-02-29 12:30:45.123456', '2024-02-29')",
		[]byte{0, 1, 0xff})
	e.exec("INSERT INTO " + table + " (id) VALUES (2)")
	return table, []string{"i", "big", "tiny", "f", "f4", "price", "s", "digits", "blank", "b", "at", "day"}
}

func testScanParity(t *testing.T, e *mysqlEnv) {
	table, columns := e.values()
	for _, parse := range []bool{false, true} {
		dsn := dsnWith(t, e.dsn, func(c *driver.Config) { c.ParseTime = parse })
		own := &mysqlEnv{e.env, e.mysqlServer, e.open(t, dsn, mysql.WithMaxConns(1))}
		raw := own.raw(dsn)
		raw.SetMaxOpenConns(1)
		if parse { // which changes only these
			columns = []string{"at", "day"}
		}
		for _, column := range columns {
			for id := 1; id <= 2; id++ {
				text := fmt.Sprintf("SELECT %s FROM %s WHERE id = %d", column, table, id)
				own.sameScan(raw, text)
				own.sameScan(raw, fmt.Sprintf("SELECT %s FROM %s WHERE id = ?", column, table), id)
			}
		}
	}
}

// sameScan compares Scan with database/sql's own for every destination.
func (e *mysqlEnv) sameScan(raw *stdsql.DB, query string, args ...any) {
	e.t.Helper()
	row := e.beginRow(bg, query, args...).must()
	for _, fresh := range destinations {
		want, got := fresh(), fresh()
		wantErr := raw.QueryRowContext(bg, query, args...).Scan(want)
		panicked, gotErr := tryScan(row, got)
		switch {
		case panicked != nil:
			e.t.Errorf("%s %v into %T: panic %v, want the error %v", query, args, got, panicked, wantErr)
		case fmt.Sprint(gotErr) != fmt.Sprint(wantErr):
			e.t.Errorf("%s %v into %T: error %v, want %v", query, args, got, gotErr, wantErr)
		case !reflect.DeepEqual(got, want):
			e.t.Errorf("%s %v into %T: %#v, want %#v", query, args, got, got, want)
		}
	}
}

func tryScan(row *mysql.Row, dest ...any) (panicked any, err error) {
	defer func() { panicked = recover() }()
	return nil, row.Scan(dest...)
}

func testScanDestinations(t *testing.T, e *mysqlEnv) {
	table, _ := e.values()
	raw := e.raw(e.dsn)
	query := "SELECT id, s, i FROM " + table + " WHERE id = 1"
	row := e.beginRow(bg, query).must()
	for _, fresh := range []func() []any{
		func() []any { return nil },
		func() []any { return []any{new(int)} },
		func() []any { return []any{new(int), new(string)} },
		func() []any { return []any{new(int), new(string), new(int)} },
		func() []any { return []any{new(int), new(string), new(int), new(int)} },
		func() []any { return []any{new(int), new(int), new(int)} },        // fails in the middle
		func() []any { return []any{new(string), new(string), new(int8)} }, // fails at the end
		func() []any { return []any{new(named), new(named), new(any)} },
	} {
		want, got := fresh(), fresh()
		wantErr := raw.QueryRowContext(bg, query).Scan(want...)
		gotErr := row.Scan(got...)
		if fmt.Sprint(gotErr) != fmt.Sprint(wantErr) {
			t.Errorf("into %T: error %v, want %v", got, gotErr, wantErr)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("into %T: not the same values were set", got)
		}
	}

	// What Scan gives away is the caller's.
	var mine, yours []byte
	if err := row.Scan(new(int), &mine, new(int)); err != nil {
		t.Fatal(err)
	}
	mine[0] = '!'
	var loose any
	if err := row.Scan(new(int), &loose, new(int)); err != nil {
		t.Fatal(err)
	}
	loose.([]byte)[1] = '!'
	if err := row.Scan(new(int), &yours, new(int)); err != nil || string(yours) != "Zoë" {
		t.Errorf("a second Scan gave %q, %v; want Zoë", yours, err)
	}
}
