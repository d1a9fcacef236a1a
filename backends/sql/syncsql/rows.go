package syncsql

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"

	"github.com/valet-go/valet/adapter"
	asyncsql "github.com/valet-go/valet/backends/sql"
)

// Rows has the methods of [sql.Rows], which run through callbacks. One goroutine
// at a time may use it.
type Rows struct {
	x      *asyncsql.Rows
	ctx    context.Context // of the query: it bounds the rows
	batch  []*asyncsql.Row // that Next has not come to
	row    *asyncsql.Row   // that Next is at, or nil
	err    error
	closed bool
	unbind func() bool // from ctx
}

// The errors of database/sql that it does not export.
var (
	errRowsClosed = errors.New("sql: Rows are closed")
	errNoNext     = errors.New("sql: Scan called without calling Next")
	errRawBytes   = errors.New("sql: RawBytes isn't allowed on Row.Scan")
)

// rows makes the results of the methods that query.
func rows(ctx context.Context, start func(cb func(*asyncsql.Rows, error))) (*Rows, error) {
	x, err := adapter.Wait(start)
	if err != nil {
		return nil, err
	}
	// As in database/sql, the connection is free when ctx ends, whether or not
	// anybody asks for a row again.
	return &Rows{x: x, ctx: ctx, unbind: context.AfterFunc(ctx, func() { x.Close(nil) })}, nil
}

// Next is [sql.Rows.Next].
func (rs *Rows) Next() bool {
	rs.row = nil
	if rs.closed {
		return false
	}
	if err := rs.ctx.Err(); err != nil {
		rs.fail(err)
		return false
	}
	if len(rs.batch) == 0 {
		batch, err := adapter.Wait(func(cb func([]*asyncsql.Row, error)) { rs.x.Next(rs.ctx, cb) })
		switch {
		case err == io.EOF:
			if !rs.x.HasNextResultSet() {
				rs.fail(nil)
			}
			return false
		case err != nil:
			rs.fail(err)
			return false
		}
		rs.batch = batch
	}
	rs.row, rs.batch = rs.batch[0], rs.batch[1:]
	return true
}

// NextResultSet is [sql.Rows.NextResultSet].
func (rs *Rows) NextResultSet() bool {
	rs.row, rs.batch = nil, nil
	if rs.closed {
		rs.fail(nil)
		return false
	}
	more, err := adapter.Wait(func(cb func(bool, error)) { rs.x.NextResultSet(rs.ctx, cb) })
	if err != nil || !more {
		rs.fail(err)
		return false
	}
	return true
}

// fail closes the rows, at their end or because of an error.
func (rs *Rows) fail(err error) {
	if closeErr := rs.Close(); err == nil {
		err = closeErr
	}
	if rs.err == nil {
		rs.err = err
	}
}

// Close is [sql.Rows.Close].
func (rs *Rows) Close() error {
	if rs.closed {
		return nil
	}
	rs.unbind()
	rs.closed, rs.row, rs.batch = true, nil, nil
	err := adapter.WaitErr(func(cb func(error)) { rs.x.Close(cb) })
	if rs.err == nil {
		rs.err = err
	}
	return err
}

// Err is [sql.Rows.Err].
func (rs *Rows) Err() error { return rs.err }

// Columns is [sql.Rows.Columns].
func (rs *Rows) Columns() ([]string, error) {
	if err := rs.gone(); err != nil {
		return nil, err
	}
	return rs.x.Columns(), nil
}

// ColumnTypes is [sql.Rows.ColumnTypes].
func (rs *Rows) ColumnTypes() ([]*sql.ColumnType, error) {
	if err := rs.gone(); err != nil {
		return nil, err
	}
	return rs.x.ColumnTypes(), nil
}

// gone is why closed rows have nothing to say.
func (rs *Rows) gone() error {
	switch {
	case !rs.closed:
		return nil
	case rs.err != nil:
		return rs.err
	}
	return errRowsClosed
}

// Scan is [sql.Rows.Scan].
func (rs *Rows) Scan(dest ...any) error {
	if err := rs.gone(); err != nil {
		return err
	}
	if rs.row == nil {
		return errNoNext
	}
	if n := len(rs.row.Values()); n != len(dest) {
		return fmt.Errorf("sql: expected %d destination arguments in Scan, not %d", n, len(dest))
	}
	// A row has no RawBytes, since it outlives its driver's memory. These are
	// bytes of its own.
	own := append([]any(nil), dest...)
	for i, d := range dest {
		if raw, ok := d.(*sql.RawBytes); ok {
			own[i] = (*[]byte)(raw)
		}
	}
	return rs.row.Scan(own...)
}

// Row has the methods of [sql.Row], which run through callbacks.
type Row struct {
	x   *asyncsql.Row
	err error
}

// row makes the results of the methods that query one row.
func row(_ context.Context, start func(cb func(*asyncsql.Row, error))) *Row {
	x, err := adapter.Wait(start)
	return &Row{x, err}
}

// Err is [sql.Row.Err]: an error of the query, which the want of a row is not.
func (r *Row) Err() error {
	if errors.Is(r.err, sql.ErrNoRows) {
		return nil
	}
	return r.err
}

// Scan is [sql.Row.Scan].
func (r *Row) Scan(dest ...any) error {
	if err := r.Err(); err != nil {
		return err
	}
	for _, d := range dest {
		if _, raw := d.(*sql.RawBytes); raw {
			return errRawBytes
		}
	}
	if r.err != nil {
		return r.err
	}
	return r.x.Scan(dest...)
}
