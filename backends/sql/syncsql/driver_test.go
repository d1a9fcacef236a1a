package syncsql

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/valet-go/valet/adapter"
	asyncsql "github.com/valet-go/valet/backends/sql"
	"github.com/valet-go/valet/loop"
)

var bg = context.Background()

// fake is a driver whose queries are their own results: "3" gives three rows,
// "3!" three rows and then an error, "3?" the same, which Close, too, reads up to, "2;0;1" three sets of rows, "" no row,
// "error" an error at once.
type fake struct{}

var errFake = errors.New("fake: failed")

func (fake) Connect(context.Context) (driver.Conn, error) { return &fakeConn{}, nil }
func (fake) Driver() driver.Driver                        { return nil }

type fakeConn struct{}

func (c *fakeConn) Prepare(query string) (driver.Stmt, error) { return &fakeStmt{c, query}, nil }
func (c *fakeConn) Close() error                              { return nil }
func (c *fakeConn) Begin() (driver.Tx, error)                 { return fakeTx{}, nil }

type fakeTx struct{}

func (fakeTx) Commit() error   { return nil }
func (fakeTx) Rollback() error { return nil }

type fakeStmt struct {
	c     *fakeConn
	query string
}

func (s *fakeStmt) Close() error  { return nil }
func (s *fakeStmt) NumInput() int { return -1 }

func (s *fakeStmt) Exec(args []driver.Value) (driver.Result, error) {
	if s.query == "error" {
		return nil, errFake
	}
	return driver.RowsAffected(len(args)), nil
}

func (s *fakeStmt) Query([]driver.Value) (driver.Rows, error) {
	if s.query == "error" {
		return nil, errFake
	}
	return &fakeRows{sets: strings.Split(s.query, ";")}, nil
}

type fakeRows struct {
	sets   []string
	n      int
	failed bool
}

func (r *fakeRows) Columns() []string { return []string{"n", "text"} }

func (r *fakeRows) Close() error {
	if strings.HasSuffix(r.sets[0], "?") && !r.failed {
		return errFake
	}
	return nil
}

func (r *fakeRows) Next(dest []driver.Value) error {
	var most int
	fmt.Sscan(r.sets[0], &most)
	switch {
	case r.n < most:
		dest[0], dest[1] = int64(r.n), []byte(fmt.Sprint("row ", r.n))
		r.n++
		return nil
	case strings.ContainsAny(r.sets[0], "!?"):
		r.failed = true
		return errFake
	}
	return io.EOF
}

func (r *fakeRows) HasNextResultSet() bool { return len(r.sets) > 1 }

func (r *fakeRows) NextResultSet() error {
	if len(r.sets) == 1 {
		return io.EOF
	}
	r.sets, r.n = r.sets[1:], 0
	return nil
}

// open returns database/sql's own pool and one that goes through callbacks.
func open(t *testing.T) (*sql.DB, *DB) {
	t.Helper()
	l, err := loop.Start(bg)
	if err != nil {
		t.Fatal(err)
	}
	a := adapter.New(l)
	plain, through := sql.OpenDB(fake{}), NewDB(asyncsql.New(a, sql.OpenDB(fake{})))
	t.Cleanup(func() {
		for _, err := range []error{plain.Close(), through.Close(), through.Close(), a.Close(bg), l.Close()} {
			if err != nil {
				t.Error(err)
			}
		}
	})
	return plain, through
}
