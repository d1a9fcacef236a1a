package sql

import (
	"bytes"
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"slices"
	"time"
)

// Row is one row of a result. It is complete in memory: nothing it does
// blocks. It belongs to whoever got it.
type Row struct {
	head   *header
	values []any
}

// Columns returns the names of the columns.
func (r *Row) Columns() []string { return r.head.columns }

// Values returns the values as the driver gave them: nil, int64, uint64,
// float64, float32, bool, []byte, string or [time.Time].
func (r *Row) Values() []any { return r.values }

// Scan copies the row into dest, with the conversions and errors of
// [sql.Row.Scan]; [sql.RawBytes] is not allowed.
func (r *Row) Scan(dest ...any) error {
	if len(dest) == len(r.values) {
		plain := true
		for i := 0; i < len(dest) && plain; i++ {
			plain = copyPlain(dest[i], r.values[i])
		}
		if plain {
			return nil
		}
	}
	return replay.QueryRowContext(context.WithValue(context.Background(), rowKey{}, r), "").Scan(dest...)
}

// copyPlain does the conversions that are mere copies, and reports whether
// this was one.
func copyPlain(dest, src any) bool {
	switch d := dest.(type) {
	case *string:
		switch s := src.(type) {
		case string:
			*d = s
			return true
		case []byte:
			*d = string(s)
			return true
		}
	case *[]byte:
		if s, ok := src.([]byte); ok {
			*d = bytes.Clone(s)
			return true
		}
	case *int64:
		if s, ok := src.(int64); ok {
			*d = s
			return true
		}
	case *int:
		if s, ok := src.(int64); ok && int64(int(s)) == s {
			*d = int(s)
			return true
		}
	case *float64:
		if s, ok := src.(float64); ok {
			*d = s
			return true
		}
	case *time.Time:
		if s, ok := src.(time.Time); ok {
			*d = s
			return true
		}
	}
	return false
}

// replay is a database whose only query returns one row from memory. Package
// database/sql does not export its conversions; this lets it make them, and
// their errors, by itself.
var replay = sql.OpenDB(replayer{})

type (
	rowKey   struct{}
	replayer struct{}
)

var errReplay = errors.New("valet: not a query of a row")

func (replayer) Connect(context.Context) (driver.Conn, error) { return replayer{}, nil }
func (replayer) Driver() driver.Driver                        { return replayer{} }
func (replayer) Open(string) (driver.Conn, error)             { return replayer{}, nil }
func (replayer) Prepare(string) (driver.Stmt, error)          { return nil, errReplay }
func (replayer) Begin() (driver.Tx, error)                    { return nil, errReplay }
func (replayer) Close() error                                 { return nil }

func (replayer) QueryContext(ctx context.Context, _ string, _ []driver.NamedValue) (driver.Rows, error) {
	r, ok := ctx.Value(rowKey{}).(*Row)
	if !ok {
		return nil, errReplay
	}
	return &replayed{row: r}, nil
}

type replayed struct {
	row  *Row
	done bool
}

func (r *replayed) Columns() []string { return slices.Clone(r.row.head.columns) }
func (r *replayed) Close() error      { return nil }

func (r *replayed) Next(dest []driver.Value) error {
	if r.done {
		return io.EOF
	}
	r.done = true
	for i, v := range r.row.values {
		dest[i] = v
	}
	return nil
}
