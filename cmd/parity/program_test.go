package parity

import (
	"context"
	"database/sql"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"

	"github.com/valet-go/valet/backends/sql/syncsql"
)

var bg = context.Background()

// program is a scenario that runs on one side.
type program struct {
	t *testing.T
	*side
	srv   server
	steps []step
	why   string // the next step may differ
	err   error  // of the last step
}

// step is what one call did.
type step struct {
	text   string
	failed bool
	known  string // why the sides may differ
}

// do calls a method, and returns its results but the error, which is p.err.
func (p *program) do(x any, method string, args ...any) []any {
	p.t.Helper()
	return p.start(x, method, args...)()
}

// one is do for a method of one result.
func (p *program) one(x any, method string, args ...any) any {
	p.t.Helper()
	return p.do(x, method, args...)[0]
}

// must is one for what the next steps need.
func (p *program) must(x any, method string, args ...any) any {
	p.t.Helper()
	v := p.do(x, method, args...)
	if p.err != nil {
		p.t.Fatalf("%s: %v", method, p.err)
	}
	if len(v) == 0 {
		return nil
	}
	return v[0]
}

// start calls a method on another goroutine. What is returned waits for the
// result, and makes it the next step.
func (p *program) start(x any, method string, args ...any) (wait func() []any) {
	p.t.Helper()
	v := reflect.ValueOf(x)
	f := v.MethodByName(method)
	if !f.IsValid() {
		p.t.Fatalf("%T has no method %s", x, method)
	}
	name := typeName(x) + "." + method
	before := p.seen.Heard(name)
	var in []reflect.Value
	for i, arg := range args {
		in = append(in, argument(f.Type(), i, arg))
	}
	known := p.why
	p.why = ""
	done := make(chan []reflect.Value, 1)
	go func() { done <- f.Call(in) }()
	return func() []any {
		p.t.Helper()
		out := <-done
		p.seen.Called(name, before)
		var results []any
		var texts []string
		p.err = nil
		failed := false
		for i, r := range out {
			if f.Type().Out(i) == reflect.TypeFor[error]() {
				p.err, _ = r.Interface().(error)
				failed = failed || p.err != nil
				texts = append(texts, describeError(p.err))
				continue
			}
			results = append(results, r.Interface())
			texts = append(texts, describe(r.Interface()))
		}
		text := fmt.Sprintf("%s(%s) = %s", name, describeAll(args), strings.Join(texts, ", "))
		p.steps = append(p.steps, step{text, failed, known})
		return results
	}
}

// typeName is DB, Conn, and so on, of both sides.
func typeName(x any) string { return reflect.TypeOf(x).Elem().Name() }

// argument is arg as the i-th one of a function of type f.
func argument(f reflect.Type, i int, arg any) reflect.Value {
	t := f.In(min(i, f.NumIn()-1))
	if f.IsVariadic() && i >= f.NumIn()-1 {
		t = t.Elem()
	}
	if arg == nil {
		return reflect.Zero(t)
	}
	return reflect.ValueOf(arg)
}

// note makes something else a step.
func (p *program) note(format string, args ...any) {
	p.steps = append(p.steps, step{text: fmt.Sprintf(format, args...), known: p.why})
	p.why = ""
}

// differs says why the next step's outcome is another by callbacks.
func (p *program) differs(reason string) *program {
	p.why = reason
	return p
}

// table makes a table with the name, whatever there was.
func (p *program) table(name, columns string, values ...string) {
	p.t.Helper()
	p.exec("DROP TABLE IF EXISTS " + name)
	p.exec("CREATE TABLE " + name + " (" + columns + ")")
	for _, v := range values {
		p.exec("INSERT INTO " + name + " VALUES " + v)
	}
}

func (p *program) exec(query string) { p.t.Helper(); p.must(p.db, "Exec", query) }

// query is rows that the scenario then reads.
func (p *program) query(query string, args ...any) any {
	p.t.Helper()
	return p.must(p.db, "QueryContext", append([]any{bg, query}, args...)...)
}

// read reads rows to the end of all result sets, step by step.
func (p *program) read(rows any) {
	p.t.Helper()
	for {
		p.do(rows, "Columns")
		p.do(rows, "ColumnTypes")
		p.readSet(rows, p.width(rows))
		if more := p.one(rows, "NextResultSet"); more != true {
			break
		}
	}
	p.do(rows, "Err")
	p.do(rows, "Close")
}

// consume queries and reads all in one step: by callbacks, an error of the first
// batch of rows is the query's.
func (p *program) consume(x any, query string, args ...any) {
	p.t.Helper()
	var said any
	var failed error
	func() {
		var rows interface {
			Next() bool
			Err() error
			Close() error
		}
		switch x := x.(type) {
		case queryContexter:
			r, err := x.QueryContext(bg, query, args...)
			if failed = err; err != nil {
				return
			}
			rows = r
		case interface {
			QueryContext(ctx context.Context, query string, args ...any) (*syncsql.Rows, error)
		}:
			r, err := x.QueryContext(bg, query, args...)
			if failed = err; err != nil {
				return
			}
			rows = r
		}
		for rows.Next() {
		}
		failed = rows.Err()
		said = rows.Close()
	}()
	p.note("%s %s = %v, %s", typeName(x), query, said, describeError(failed))
	p.steps[len(p.steps)-1].failed = failed != nil
}

func (p *program) readSet(rows any, width int) {
	p.t.Helper()
	for p.one(rows, "Next") == true {
		p.do(rows, "Scan", destinations(width)...)
	}
	p.do(rows, "Err")
}

// width is how many columns rows have.
func (p *program) width(rows any) int {
	columns, err := rows.(interface{ Columns() ([]string, error) }).Columns()
	if err != nil {
		return 0
	}
	return len(columns)
}

// destinations are n variables that take anything.
func destinations(n int) []any {
	dest := make([]any, n)
	for i := range dest {
		dest[i] = new(any)
	}
	return dest
}

// ask reads one row with QueryRow of x. A statement has its query.
func (p *program) ask(x any, query string, args []any, dest ...any) {
	p.t.Helper()
	all := append([]any{bg, query}, args...)
	if typeName(x) == "Stmt" {
		all = append([]any{bg}, args...)
	}
	row := p.one(x, "QueryRowContext", all...)
	p.do(row, "Err")
	p.do(row, "Scan", dest...)
}

// idle waits until no connection is in use.
func (p *program) idle() {
	p.t.Helper()
	eventually(p.t, "no connection in use", func() bool { return p.stats().InUse == 0 })
}

// finish ends a program, whose connections must all be given back.
func (p *program) finish() {
	p.t.Helper()
	if !p.closed {
		p.idle()
	}
}

// watcher asks the server over a connection of its own.
func (p *program) watcher() *sql.DB {
	p.t.Helper()
	db, err := sql.Open("mysql", p.srv.dsn)
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { db.Close() })
	return db
}

// until waits until the query counts something.
func (p *program) until(query string, args ...any) {
	p.t.Helper()
	db := p.watcher()
	defer db.Close()
	eventually(p.t, query, func() bool {
		var n int
		if err := db.QueryRow(query, args...).Scan(&n); err != nil {
			p.t.Fatal(err)
		}
		return n > 0
	})
}

// other is the side's pool of another account.
func (p *program) other(user, password string) any {
	p.t.Helper()
	cfg, err := mysql.ParseDSN(p.srv.dsn)
	if err != nil {
		p.t.Fatal(err)
	}
	cfg.User, cfg.Passwd = user, password
	return p.open(cfg.FormatDSN())
}
