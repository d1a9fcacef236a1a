package sql

import (
	"context"
	"database/sql"

	"github.com/valet-go/valet/adapter"
)

// batchRows is how many rows are fetched for one hop to the executor.
const batchRows = 256

// Rows is the result of a query, which comes in batches; see
// [adapter.Stream]. It holds a connection until its end has been read, an
// error came, or Close; small results, of less than a batch, hold none when
// the callback gets them.
type Rows struct {
	*adapter.Stream[*Row]
	head *header
	rows *sql.Rows
	next []*Row // fetched by the query itself
	more bool   // rows has not ended
	life life

	pooled bool // the connection is not a transaction's
}

// header is what the rows of one result have in common.
type header struct {
	columns []string
	types   []*sql.ColumnType
}

// Columns returns the names of the columns.
func (r *Rows) Columns() []string { return r.head.columns }

// ColumnTypes returns what the driver knows of the columns.
func (r *Rows) ColumnTypes() []*sql.ColumnType { return r.head.types }

// openRows is a body: it runs the query and fetches the first batch.
func openRows(ctx context.Context, c caller, query func(context.Context) (*sql.Rows, error)) (*Rows, error) {
	r := &Rows{more: true, pooled: c.lane == nil}
	r.life.begin(ctx) // for fetch; ctx does not end once this has returned
	var err error
	if r.rows, err = query(&r.life); err == nil {
		if err = r.open(); err == nil {
			err = r.life.settle()
		}
		if err == nil {
			r.Stream = adapter.NewStream(c.a, c.lane, r.fetch, r.stop)
			return r, nil
		}
		r.stop()
	}
	r.life.end()
	return nil, err
}

func (r *Rows) open() (err error) {
	if r.head, err = headerOf(r.rows); err != nil {
		return err
	}
	r.next, err = r.batch()
	return err
}

func headerOf(rows *sql.Rows) (*header, error) {
	columns, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	types, err := rows.ColumnTypes()
	return &header{columns, types}, err
}

// fetch is the stream's. When ctx ends, so do the rows: there is no other way
// to stop one that waits for the server.
func (r *Rows) fetch(ctx context.Context) ([]*Row, error) {
	if next := r.next; next != nil {
		r.next = nil
		return next, nil
	}
	if err := r.life.arm(ctx); err != nil {
		return nil, err
	}
	unwatch := context.AfterFunc(ctx, r.life.end)
	batch, err := r.batch()
	stopped := !unwatch()
	killed := r.life.settle()
	switch {
	case stopped:
		return nil, ctx.Err() // and not that of the rows' life
	case killed != nil && err == nil:
		return nil, killed
	}
	return batch, err
}

// batch reads up to batchRows rows. At the end it gives the connection back.
func (r *Rows) batch() ([]*Row, error) {
	if !r.more {
		return nil, nil
	}
	dest := make([]any, len(r.head.columns))
	var rows []Row
	for len(rows) < batchRows {
		if r.more = r.rows.Next(); !r.more {
			break
		}
		values, err := scanValues(r.rows, dest)
		if err != nil {
			return nil, err
		}
		rows = append(rows, Row{r.head, values})
	}
	if !r.more {
		if err := r.rows.Err(); err != nil {
			return nil, err
		}
		if err := r.stop(); err != nil {
			return nil, err
		}
	}
	batch := make([]*Row, len(rows))
	for i := range rows {
		batch[i] = &rows[i]
	}
	return batch, nil
}

// scanValues returns the values of the row that rows is at. dest, as long as
// the row, is room for the pointers to them.
func scanValues(rows *sql.Rows, dest []any) ([]any, error) {
	values := make([]any, len(dest))
	for i := range values {
		dest[i] = &values[i]
	}
	return values, rows.Scan(dest...)
}

// stop is the stream's; it may be called again.
func (r *Rows) stop() error {
	if r.more {
		r.drain()
	}
	r.more = false
	r.next = nil
	err := r.rows.Close()
	r.life.end()
	return err
}

// drop closes rows that nobody got.
func (r *Rows) drop() { r.stop() }

// oneRow reads the first row, and gives the connection back.
func oneRow(rows *sql.Rows) (*Row, error) {
	defer rows.Close()
	head, err := headerOf(rows)
	if err != nil {
		return nil, err
	}
	if !rows.Next() {
		if err := rows.Err(); err != nil {
			return nil, err
		}
		return nil, ErrNoRows
	}
	values, err := scanValues(rows, make([]any, len(head.columns)))
	if err != nil {
		return nil, err
	}
	return &Row{head, values}, rows.Close()
}
