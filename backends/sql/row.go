package sql

import (
	"bytes"
	"database/sql"
	"errors"
	"fmt"
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
	for _, d := range dest {
		if _, raw := d.(*sql.RawBytes); raw {
			return errRawBytes
		}
	}
	if len(dest) != len(r.values) {
		return convert(r.head.columns, r.values, dest) // has an error for it
	}
	for i, d := range dest {
		plain, err := copyPlain(d, r.values[i])
		if !plain {
			// Its error is about the one column that it sees.
			err = errors.Unwrap(convert(r.head.columns[i:i+1], r.values[i:i+1], dest[i:i+1]))
		}
		if err != nil {
			return fmt.Errorf(`sql: Scan error on column index %d, name %q: %w`, i, r.head.columns[i], err)
		}
	}
	return nil
}

// errRawBytes has the text of database/sql's own, which is not exported.
var errRawBytes = errors.New("sql: RawBytes isn't allowed on Row.Scan")

// copyPlain does the conversions that are mere copies, or the destination's
// own, and reports whether this was one. A nil pointer is not: database/sql has
// an error for it.
func copyPlain(dest, src any) (plain bool, err error) {
	switch d := dest.(type) {
	case *string:
		switch s := src.(type) {
		case string:
			return store(d, s)
		case []byte:
			return store(d, string(s))
		}
	case *[]byte:
		if s, ok := src.([]byte); ok {
			return store(d, bytes.Clone(s))
		}
	case *int64:
		if s, ok := src.(int64); ok {
			return store(d, s)
		}
	case *int:
		if s, ok := src.(int64); ok && int64(int(s)) == s {
			return store(d, int(s))
		}
	case *float64:
		if s, ok := src.(float64); ok {
			return store(d, s)
		}
	case *time.Time:
		if s, ok := src.(time.Time); ok {
			return store(d, s)
		}
	case *any:
		if s, ok := src.([]byte); ok {
			return store(d, any(bytes.Clone(s)))
		}
		return store(d, src)
	case sql.Scanner:
		return true, d.Scan(src)
	}
	return false, nil
}

func store[T any](d *T, v T) (plain bool, err error) {
	if d == nil {
		return false, nil
	}
	*d = v
	return true, nil
}
