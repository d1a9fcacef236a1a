package sql

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/valet-go/valet/adapter"
	"github.com/valet-go/valet/loop"
)

// sheet is a driver whose every query returns its rows.
type sheet struct {
	columns []string
	rows    [][]driver.Value
}

func (s sheet) Connect(context.Context) (driver.Conn, error) { return s, nil }
func (s sheet) Driver() driver.Driver                        { return nil }
func (s sheet) Prepare(string) (driver.Stmt, error)          { return nil, errMemory }
func (s sheet) Begin() (driver.Tx, error)                    { return nil, errMemory }
func (s sheet) Close() error                                 { return nil }

func (s sheet) QueryContext(context.Context, string, []driver.NamedValue) (driver.Rows, error) {
	return &sheetRows{s}, nil
}

type sheetRows struct{ left sheet }

func (r *sheetRows) Columns() []string { return r.left.columns }
func (r *sheetRows) Close() error      { return nil }

func (r *sheetRows) Next(dest []driver.Value) error {
	if len(r.left.rows) == 0 {
		return io.EOF
	}
	copy(dest, r.left.rows[0])
	r.left.rows = r.left.rows[1:]
	return nil
}

func openSheet(t *testing.T, s sheet) *DB {
	t.Helper()
	l, err := loop.Start(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	a := adapter.New(l)
	db := New(a.Backend("sheet"), sql.OpenDB(s))
	t.Cleanup(func() {
		if err := adapter.WaitErr(func(cb func(error)) { db.Close(context.Background(), cb) }); err != nil {
			t.Error(err)
		}
		if n := db.Unwrap().Stats().InUse; n != 0 {
			t.Errorf("%d connections in use", n)
		}
		a.Close(context.Background())
		l.Close()
	})
	return db
}

func get[T any](db *DB) (T, error) {
	return adapter.Wait(func(cb func(T, error)) { Get(context.Background(), db, "", cb) })
}

type (
	Base struct {
		ID   int64
		Note *string `db:"remark"`
	}
	hidden struct{ Inner string }
	Deep   struct{ Base }
	person struct {
		Base
		hidden
		*Deep
		FullName string `db:"name,omitempty"`
		Secret   string `db:"-"`
		At       *time.Time
		Raw      []byte
		private  int
		Extra    sql.NullString
	}
)

func TestGetFillsStructs(t *testing.T) {
	at := someTime
	db := openSheet(t, sheet{
		[]string{"id", "NAME", "name", "AT", "raw", "remark", "inner", "extra"},
		[][]driver.Value{{int64(7), nil, []byte("Ada"), at, []byte("abc"), nil, "in", "more"}},
	})
	_, err := get[person](db)
	if err == nil || !strings.Contains(err.Error(), `the column "NAME" has no field in sql.person`) {
		t.Fatalf("a tag is exact: %v", err)
	}
	db = openSheet(t, sheet{
		[]string{"id", "name", "AT", "raw", "remark", "inner", "extra"},
		[][]driver.Value{{int64(7), []byte("Ada"), at, []byte("abc"), nil, "in", "more"}},
	})
	want := person{Base: Base{ID: 7}, hidden: hidden{"in"}, FullName: "Ada", At: &at, Raw: []byte("abc"), Extra: sql.NullString{String: "more", Valid: true}}
	got, err := get[person](db)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v; want %+v", got, err, want)
	}
	p, err := get[*person](db)
	if err != nil || !reflect.DeepEqual(*p, want) {
		t.Errorf("by pointer: %+v, %v", p, err)
	}
	_ = got.private
}

func TestGetMakesEmbeddedPointers(t *testing.T) {
	type Part struct{ Size int }
	type whole struct {
		*Part
		Name string
	}
	got, err := get[whole](openSheet(t, sheet{[]string{"size", "name"}, [][]driver.Value{{int64(3), "x"}}}))
	if err != nil || got.Part == nil || got.Size != 3 {
		t.Errorf("%+v, %v", got, err)
	}
	got, err = get[whole](openSheet(t, sheet{[]string{"name"}, [][]driver.Value{{"x"}}}))
	if err != nil || got.Part != nil || got.Name != "x" {
		t.Errorf("without its column: %+v, %v", got, err)
	}
}

func TestGetMakesMapsAndScalars(t *testing.T) {
	two := openSheet(t, sheet{[]string{"a", "b"}, [][]driver.Value{{int64(1), []byte("two")}}})
	m, err := get[map[string]any](two)
	if want := (map[string]any{"a": int64(1), "b": []byte("two")}); err != nil || !reflect.DeepEqual(m, want) {
		t.Errorf("%v, %v; want %v", m, err, want)
	}
	s, err := get[map[name]string](two)
	if want := (map[name]string{"a": "1", "b": "two"}); err != nil || !reflect.DeepEqual(s, want) {
		t.Errorf("%v, %v; want %v", s, err, want)
	}
	one := openSheet(t, sheet{[]string{"a"}, [][]driver.Value{{[]byte("42")}}})
	if v, err := get[int](one); err != nil || v != 42 {
		t.Errorf("%v, %v", v, err)
	}
	if v, err := get[*string](one); err != nil || *v != "42" {
		t.Errorf("%v, %v", v, err)
	}
	if v, err := get[sql.Null[int]](one); err != nil || v.V != 42 {
		t.Errorf("%v, %v", v, err)
	}
	null := openSheet(t, sheet{[]string{"a"}, [][]driver.Value{{nil}}})
	if v, err := get[*string](null); err != nil || v != nil {
		t.Errorf("%v, %v", v, err)
	}
	if v, err := get[any](null); err != nil || v != nil {
		t.Errorf("%v, %v", v, err)
	}
	if _, err := get[int](openSheet(t, sheet{columns: []string{"a"}})); !errors.Is(err, ErrNoRows) {
		t.Errorf("without a row: %v", err)
	}
}

func TestGetNamesWhatDoesNotFit(t *testing.T) {
	type flat struct {
		ID  int
		Age int8
	}
	type A struct{ ID int }
	type B struct{ ID int }
	type both struct {
		A
		B
	}
	type raw struct{ Data sql.RawBytes }
	row := func(columns string, values ...driver.Value) sheet {
		return sheet{strings.Fields(columns), [][]driver.Value{values}}
	}
	for _, test := range []struct {
		get   func(*DB) error
		sheet sheet
		want  string
	}{
		{getErr[flat], row("id what", int64(1), int64(2)), `valet/sql: the column "what" has no field in sql.flat`},
		{getErr[flat], row("id age", int64(1), int64(300)), `valet/sql: the column "age" into the field Age of sql.flat, a int8: converting driver.Value type int64 ("300") to a int8: value out of range`},
		{getErr[*flat], row("id age", int64(1), nil), `valet/sql: the column "age" into the field Age of sql.flat, a int8: converting NULL to int8 is unsupported`},
		{getErr[person], row("remark id", "x", "y"), `valet/sql: the column "id" into the field Base.ID of sql.person, a int64: converting driver.Value type string ("y") to a int64: invalid syntax`},
		{getErr[both], row("id", int64(1)), `valet/sql: the column "id" has two fields in sql.both: A.ID and B.ID`},
		{getErr[flat], row("id id", int64(1), int64(2)), `valet/sql: there are two columns "id"; name one of them otherwise`},
		{getErr[map[string]any], row("id id", int64(1), int64(2)), `valet/sql: there are two columns "id"; name one of them otherwise`},
		{getErr[map[int]any], row("id", int64(1)), `valet/sql: a row cannot be a map[int]interface {}: the keys must be strings`},
		{getErr[int], row("id age", int64(1), int64(2)), `valet/sql: a row of 2 columns cannot be a int, which takes one`},
		{getErr[int], row("id", "x"), `sql: Scan error on column index 0, name "id": converting driver.Value type string ("x") to a int: invalid syntax`},
		{getErr[raw], row("data", []byte("x")), `valet/sql: the field Data of sql.raw cannot be a RawBytes, which is valid until the next row only`},
		{getErr[sql.RawBytes], row("data", []byte("x")), `sql: RawBytes isn't allowed on Row.Scan`},
	} {
		if err := test.get(openSheet(t, test.sheet)); err == nil || err.Error() != test.want {
			t.Errorf("got  %v\nwant %s", err, test.want)
		}
	}
}

func getErr[T any](db *DB) error {
	_, err := get[T](db)
	return err
}

type explosive struct{}

func (*explosive) Scan(any) error { panic("on purpose") }

// database/sql would hang.
func TestGetPassesAScannersPanicOn(t *testing.T) {
	db := openSheet(t, sheet{[]string{"a"}, [][]driver.Value{{int64(1)}}})
	_, err := get[explosive](db)
	var p *adapter.PanicError
	if !errors.As(err, &p) || p.Value != "on purpose" {
		t.Errorf("got %v, want the panic", err)
	}
	_, err = get[struct{ A explosive }](db)
	if !errors.As(err, &p) || p.Value != "on purpose" {
		t.Errorf("in a field: got %v, want the panic", err)
	}
}

func TestAllAndEachReadAllRows(t *testing.T) {
	s := sheet{columns: []string{"id"}}
	for i := range 1000 {
		s.rows = append(s.rows, []driver.Value{int64(i)})
	}
	db := openSheet(t, s)
	for _, limit := range []int{0, 1, 256, 999, 1000, 1001} {
		all, err := adapter.Wait(func(cb func([]Base, error)) { All(context.Background(), db, "", limit, cb) })
		want := 1000
		if limit > 0 {
			want = min(want, limit)
		}
		if err != nil || len(all) != want || all[want-1].ID != int64(want-1) {
			t.Errorf("All with the limit %d: %d rows, %v", limit, len(all), err)
		}
	}
	var each []int
	l := db.a.Loop()
	if err := adapter.WaitErr(func(cb func(error)) {
		Each(context.Background(), db, "", func(n int) error {
			if !l.OnLoop() {
				t.Error("an item came elsewhere")
			}
			each = append(each, n)
			return nil
		}, cb)
	}); err != nil || len(each) != 1000 || each[999] != 999 {
		t.Errorf("Each: %d rows, %v", len(each), err)
	}
	stop := errors.New("enough")
	if err := adapter.WaitErr(func(cb func(error)) {
		Each(context.Background(), db, "", func(int) error { return stop }, cb)
	}); !errors.Is(err, stop) {
		t.Errorf("Each stopped with %v", err)
	}
	none, err := adapter.Wait(func(cb func([]int, error)) {
		All(context.Background(), openSheet(t, sheet{columns: []string{"id"}}), "", 0, cb)
	})
	if err != nil || none == nil || len(none) != 0 {
		t.Errorf("without a row: %v, %v", none, err)
	}
}

func TestPlansAreMadeOnce(t *testing.T) {
	columns := []string{"id", "remark"}
	one, err := planFor(reflect.TypeFor[Base](), columns)
	if err != nil {
		t.Fatal(err)
	}
	if two, _ := planFor(reflect.TypeFor[Base](), columns); one != two {
		t.Error("the plan was made again")
	}
	if other, _ := planFor(reflect.TypeFor[*Base](), columns); one == other {
		t.Error("another type has the same plan")
	}
}
