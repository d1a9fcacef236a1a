package sql

import (
	"database/sql"
	"errors"
	"fmt"
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
		if err := scanValue(d, r.values[i]); err != nil {
			return fmt.Errorf(`sql: Scan error on column index %d, name %q: %w`, i, r.head.columns[i], err)
		}
	}
	return nil
}

// errRawBytes has the text of database/sql's own, which is not exported.
var errRawBytes = errors.New("sql: RawBytes isn't allowed on Row.Scan")
