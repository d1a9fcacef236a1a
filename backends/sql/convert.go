package sql

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
)

// convert makes database/sql, which does not export its conversions, copy
// values into dest: by a query, of a database of one row in memory, whose
// result it scans. It takes a few microseconds and does not block.
func convert(columns []string, values, dest []any) error {
	db := sql.OpenDB(replay{columns, values})
	// When a Scanner panics, the rows are left to the collector: the Close
	// that [sql.Row.Scan] defers would wait for ever for a lock that the
	// interrupted Scan still holds, and this may be a loop's goroutine.
	defer db.Close()
	rows, err := db.Query("")
	if err != nil {
		return err
	}
	rows.Next()
	err = rows.Scan(dest...)
	if closeErr := rows.Close(); err == nil {
		err = closeErr
	}
	return err
}

// replay is a driver whose every query returns one row.
type replay struct {
	columns []string
	values  []any
}

var errReplay = errors.New("valet: not a query")

func (r replay) Connect(context.Context) (driver.Conn, error) { return r, nil }
func (r replay) Driver() driver.Driver                        { return r }
func (r replay) Open(string) (driver.Conn, error)             { return r, nil }
func (replay) Prepare(string) (driver.Stmt, error)            { return nil, errReplay }
func (replay) Begin() (driver.Tx, error)                      { return nil, errReplay }
func (replay) Close() error                                   { return nil }

func (r replay) QueryContext(context.Context, string, []driver.NamedValue) (driver.Rows, error) {
	return &replayed{replay: r}, nil
}

type replayed struct {
	replay
	done bool
}

func (r *replayed) Columns() []string { return r.columns }

func (r *replayed) Next(dest []driver.Value) error {
	if r.done {
		return io.EOF
	}
	r.done = true
	for i, v := range r.values {
		dest[i] = v
	}
	return nil
}
