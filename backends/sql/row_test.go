package sql

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"reflect"
	"sync"
	"testing"
	"time"
)

// Against what database/sql does with the same row of a real driver, Scan is
// tested in cmd/integration. Here the row is also scanned by [sql.Row.Scan],
// from memory.

var someTime = time.Date(2024, 2, 29, 12, 30, 45, 123456789, time.UTC)

// sources are values as drivers give them.
var sources = []any{
	nil, int64(7), int64(-1), int64(0), int64(1), int64(200), int64(40_000), int64(1 << 40), int64(math.MinInt64), int64(math.MaxInt64),
	uint64(0), uint64(1), uint64(200), uint64(1 << 40), uint64(math.MaxUint64), 2.5, 7.0, 1e300, math.Inf(-1), float32(1.25), true, false,
	"text", "42", "-3", "1e3", "true", "", []byte("bytes"), []byte("42"), []byte("12.30"), []byte("f"),
	[]byte{},
	[]byte(nil), someTime,
	time.Time{},
	someTime.In(time.FixedZone("east", 3600)),
	int8(5),
	struct{ B int }{1}, // which drivers should not give
}

type (
	name   string
	count  int16
	blob   []byte
	flag   bool
	ratio  float32
	moment time.Time
	taker  struct{ got any }
)

func (s *taker) Scan(v any) error {
	s.got = v
	return nil
}

var destinations = []func() any{
	fresh[string], fresh[[]byte], fresh[any], fresh[bool], fresh[time.Time],
	fresh[int], fresh[int8], fresh[int16], fresh[int32], fresh[int64],
	fresh[uint], fresh[uint8], fresh[uint16], fresh[uint32], fresh[uint64], fresh[uintptr],
	fresh[float32], fresh[float64], fresh[complex128],
	fresh[*string], fresh[*[]byte], fresh[*any], fresh[*bool], fresh[*time.Time],
	fresh[*int], fresh[*int8], fresh[*int64], fresh[*uint64], fresh[*float32], fresh[*float64],
	fresh[**string], fresh[**int64], fresh[*name], fresh[*taker], fresh[*sql.NullInt64],
	fresh[sql.NullString], fresh[sql.NullInt16], fresh[sql.NullInt32], fresh[sql.NullInt64],
	fresh[sql.NullByte], fresh[sql.NullFloat64], fresh[sql.NullBool], fresh[sql.NullTime],
	fresh[sql.Null[int]], fresh[sql.Null[string]], fresh[sql.Null[[]byte]], fresh[sql.Null[time.Time]],
	fresh[sql.RawBytes], fresh[*sql.RawBytes], fresh[json.RawMessage],
	fresh[name], fresh[count], fresh[blob], fresh[flag], fresh[ratio], fresh[moment], fresh[taker],
	fresh[struct{ A int }], fresh[[]string], fresh[[4]byte], fresh[map[string]int], fresh[chan int], fresh[func()], fresh[error],
	func() any { return nil },
	func() any { return 7 },
	func() any { return "text" },
	func() any { return (*name)(nil) },
	func() any { return (*int)(nil) },
	func() any { return (*int64)(nil) },
	func() any { return (*uint64)(nil) },
	func() any { return (*float64)(nil) },
	func() any { return (**string)(nil) },
}

func fresh[T any]() any { return new(T) }

func rowOf(values ...any) *Row {
	head := &header{}
	for i := range values {
		head.columns = append(head.columns, fmt.Sprintf("c%d", i))
	}
	return &Row{head, values}
}

// standard is what database/sql itself does with the row, from a driver.
func standard(r *Row, dest ...any) error {
	db := sql.OpenDB(&memory{row: r})
	defer db.Close()
	return db.QueryRow("").Scan(dest...)
}

// memory is a driver whose every query returns one row. It is not replay, which
// is what it is to prove.
type memory struct {
	row  *Row
	read bool
}

var errMemory = errors.New("test: not a query")

func (m *memory) Connect(context.Context) (driver.Conn, error) { return m, nil }
func (m *memory) Driver() driver.Driver                        { return nil }
func (m *memory) Prepare(string) (driver.Stmt, error)          { return nil, errMemory }
func (m *memory) Begin() (driver.Tx, error)                    { return nil, errMemory }
func (m *memory) Close() error                                 { return nil }
func (m *memory) Columns() []string                            { return m.row.head.columns }

func (m *memory) QueryContext(context.Context, string, []driver.NamedValue) (driver.Rows, error) {
	return m, nil
}

func (m *memory) Next(dest []driver.Value) error {
	if m.read {
		return io.EOF
	}
	m.read = true
	for i, v := range m.row.values {
		dest[i] = v
	}
	return nil
}

func TestScanDoesWhatDatabaseSQLDoes(t *testing.T) {
	for _, src := range sources {
		row := rowOf(src)
		for _, fresh := range destinations {
			got, want := fresh(), fresh()
			gotErr, wantErr := row.Scan(got), standard(row, want)
			if fmt.Sprint(gotErr) != fmt.Sprint(wantErr) {
				t.Errorf("%T %v into %T: error %v, want %v", src, src, got, gotErr, wantErr)
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("%T %v into %T: %#v, want %#v", src, src, got, got, want)
			}
		}
	}
}

func TestScanReportsNilPointers(t *testing.T) {
	for _, src := range []any{"text", []byte("bytes")} {
		row := rowOf(src)
		if got, want := row.Scan((*string)(nil)), standard(row, (*string)(nil)); want == nil || fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%T into a nil *string: %v, want %v", src, got, want)
		}
		if got, want := row.Scan((*[]byte)(nil)), standard(row, (*[]byte)(nil)); want == nil || fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%T into a nil *[]byte: %v, want %v", src, got, want)
		}
	}
}

func TestScanWantsADestinationForEachColumn(t *testing.T) {
	row := rowOf(int64(1), "two", nil)
	for n := range 5 {
		got, want := make([]any, n), make([]any, n)
		for i := range n {
			got[i], want[i] = new(any), new(any)
		}
		gotErr, wantErr := row.Scan(got...), standard(row, want...)
		if fmt.Sprint(gotErr) != fmt.Sprint(wantErr) {
			t.Errorf("%d destinations: error %v, want %v", n, gotErr, wantErr)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%d destinations: not the same values were set", n)
		}
	}
}

func TestScanSetsWhatComesBeforeAnError(t *testing.T) {
	row := rowOf(int64(1), "two", int64(3))
	for _, fresh := range []func() []any{
		func() []any { return []any{new(int), new(int), new(int)} },
		func() []any { return []any{new(string), new(string), new(time.Time)} },
		func() []any { return []any{new(int), new(sql.RawBytes), new(int)} },
	} {
		got, want := fresh(), fresh()
		gotErr, wantErr := row.Scan(got...), standard(row, want...)
		if gotErr == nil || fmt.Sprint(gotErr) != fmt.Sprint(wantErr) || !reflect.DeepEqual(got, want) {
			t.Errorf("into %T: %v, want %v, and the same values", got, gotErr, wantErr)
		}
	}
}

func TestScanGivesCopies(t *testing.T) {
	row := rowOf([]byte("bytes"))
	var b []byte
	var v any
	for _, dest := range []any{&b, &v} {
		if err := row.Scan(dest); err != nil {
			t.Fatal(err)
		}
	}
	b[0], v.([]byte)[1] = '!', '!'
	if got := string(row.Values()[0].([]byte)); got != "bytes" {
		t.Errorf("the row has become %q", got)
	}
}

type panics struct{}

func (panics) Scan(any) error { panic("on purpose") }

// database/sql deadlocks here, which would stop a loop for good.
func TestScanPassesAScannersPanicOn(t *testing.T) {
	row := rowOf("text")
	for range 3 {
		func() {
			defer func() {
				if v := recover(); v != "on purpose" {
					t.Errorf("recovered %v", v)
				}
			}()
			_ = row.Scan(panics{})
		}()
		var c name
		if err := row.Scan(&c); err != nil || c != "text" {
			t.Errorf("the next Scan gave %q, %v", c, err)
		}
	}
}

func TestRowsAreScannedByManyGoroutines(t *testing.T) {
	var wg sync.WaitGroup
	for i := range 50 {
		wg.Go(func() {
			row := rowOf(int64(i), fmt.Sprint(i))
			for range 100 {
				var n count
				var s name
				if err := row.Scan(&n, &s); err != nil || int(n) != i || string(s) != fmt.Sprint(i) {
					t.Errorf("row %d: %d %q, %v", i, n, s, err)
					return
				}
			}
		})
	}
	wg.Wait()
}

// show writes out what v points to; unlike with DeepEqual, NaN is NaN.
func show(v any) string {
	p := reflect.ValueOf(v)
	for p.Kind() == reflect.Pointer && !p.IsNil() {
		p = p.Elem()
	}
	return fmt.Sprintf("%#v", p)
}

// Whatever the value, Scan must do to every destination what database/sql does.
func FuzzScan(f *testing.F) {
	f.Add("", int64(0), 0.0, false)
	f.Add("-12", int64(-1), 1e300, true)
	f.Add("2024-02-29 12:30:45", int64(math.MinInt64), math.Inf(1), false)
	f.Fuzz(func(t *testing.T, text string, n int64, x float64, b bool) {
		when := time.Unix(n%1e9, 0).UTC()
		for _, src := range []any{
			text, []byte(text), n, uint64(n), n >> 32, n >> 48, n >> 56, uint64(n) >> 33, x, math.Trunc(x), float32(x), b, when, nil,
			fmt.Sprint(n), []byte(fmt.Sprint(n >> 40)), []byte(fmt.Sprint(x)),
		} {
			row := rowOf(src)
			for _, fresh := range destinations {
				got, want := fresh(), fresh()
				gotErr, wantErr := row.Scan(got), standard(row, want)
				if fmt.Sprint(gotErr) != fmt.Sprint(wantErr) || show(got) != show(want) {
					t.Errorf("%T %v into %T: %v, %v; want %v, %v", src, src, got, got, gotErr, want, wantErr)
				}
			}
		}
	})
}
