package sql

import (
	"context"
	"database/sql"

	"github.com/valet-go/valet/adapter"
)

// How many rows are fetched for one hop to the executor: first so many, and then
// twice as many each time, because whoever reads much wants few hops.
const (
	batchRows = 256
	mostRows  = 1024
)

// Rows is the result of a query, which comes in batches; see
// [adapter.Stream]. It holds a connection until its end has been read, an
// error came, or Close; small results, of less than a batch, hold none when
// the callback gets them, unless other results follow, see
// [Rows.NextResultSet].
type Rows struct {
	*adapter.Stream[*Row] // of the current result set
	shown                 *header
	c                     caller // with the lane of all calls
	pooled                bool   // the connection is not a transaction's
	sets                  sets

	// For bodies, which run one after another.
	rows *sql.Rows
	life life
	head *header
	next []*Row // fetched by the query itself
	more bool   // the result set has not ended

	room   int   // of the next batch; 0 for the first
	failed error // that comes after what was fetched

	follow follow // another one
}

// header is what the rows of one result have in common.
type header struct {
	columns []string
	types   []*sql.ColumnType
}

// Columns returns the names of the columns of the current result set.
func (r *Rows) Columns() []string { return r.shown.columns }

// ColumnTypes returns what the driver knows of the columns.
func (r *Rows) ColumnTypes() []*sql.ColumnType { return r.shown.types }

// openRows is a body: it runs the query and fetches the first batch.
func openRows(ctx context.Context, c caller, query func(context.Context) (*sql.Rows, error)) (*Rows, error) {
	r, err := openWith(ctx, c, query, (*Rows).open)
	if err != nil {
		return nil, err
	}
	r.Stream, r.shown = r.stream(), r.head
	return r, nil
}

// openWith runs the query and then first, which reads.
func openWith(ctx context.Context, c caller, query func(context.Context) (*sql.Rows, error), first func(*Rows) error) (*Rows, error) {
	r := &Rows{more: true, c: c, pooled: c.lane == nil}
	if r.pooled {
		r.c.lane = new(adapter.Lane)
	}
	r.life.begin(ctx) // for fetch; ctx does not end once this has returned
	var err error
	if r.rows, err = query(&r.life); err == nil {
		if err = first(r); err == nil {
			err = r.life.settle()
		}
		if err == nil || r.failed != nil {
			err = r.stoppedBy(ctx)
		}
		if err == nil {
			return r, nil
		}
		_ = r.shut() // the other error is the one to report
	}
	r.life.end()
	return nil, err
}

// stream is that of the current result set.
func (r *Rows) stream() *adapter.Stream[*Row] {
	return adapter.NewStream(r.c.a, r.c.lane, r.fetch, r.stop)
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
	if next := r.next; len(next) > 0 {
		r.next = nil
		return next, nil
	}
	var batch []*Row
	err := r.within(ctx, func() (err error) {
		if r.more {
			batch, err = r.batch()
			return err
		}
		return r.lookAhead()
	})
	if err != nil {
		return nil, err
	}
	return batch, nil
}

// within runs read, which asks the server, as a part of the call of ctx.
func (r *Rows) within(ctx context.Context, read func() error) error {
	if err := r.life.arm(ctx); err != nil {
		return err
	}
	unwatch := context.AfterFunc(ctx, r.life.end)
	err := read()
	stopped := !unwatch()
	killed := r.life.settle()
	switch {
	case stopped:
		return ctx.Err() // and not that of the rows' life
	case err != nil:
		return err
	case killed != nil && r.failed == nil:
		return killed
	}
	return r.stoppedBy(ctx)
}

// batch reads as many rows as it may.
func (r *Rows) batch() ([]*Row, error) {
	dest := make([]any, len(r.head.columns))
	rows, err := readBatch(r, r.limit(), func(rows *sql.Rows, row *Row) (err error) {
		row.head = r.head
		row.values, err = scanValues(rows, dest)
		return err
	})
	if err != nil {
		return nil, err
	}
	batch := make([]*Row, len(rows))
	for i := range rows {
		batch[i] = &rows[i]
	}
	return batch, nil
}

// readBatch reads up to limit rows. At the end of the result it gives the
// connection back, unless there may be another result set. An error that comes
// after some rows is kept for the next batch.
func readBatch[T any](r *Rows, limit int, scan func(*sql.Rows, *T) error) ([]T, error) {
	if err := r.failed; err != nil {
		return nil, err
	}
	batch := make([]T, 0, r.room)
	for len(batch) < limit {
		if r.more = r.rows.Next(); !r.more {
			break
		}
		var none T
		batch = append(batch, none)
		last := len(batch) - 1
		if err := scan(r.rows, &batch[last]); err != nil {
			return late(r, batch[:last], err)
		}
	}
	if r.more {
		r.room = min(2*len(batch), mostRows) // the next is as long as it may be, most likely
		return batch, nil
	}
	if err := r.rows.Err(); err != nil {
		return late(r, batch, err)
	}
	if _, closed := r.rows.Columns(); closed != nil { // by database/sql
		r.life.end()
	} else {
		r.follow = mayFollow
	}
	return batch, nil
}

// stoppedBy returns the error that comes after what was fetched, if it came
// because the call of ctx was cancelled: then that fails.
func (r *Rows) stoppedBy(ctx context.Context) error {
	if r.failed == nil {
		return nil
	}
	if _, why := adapter.PolicyOf(ctx); why == nil {
		return nil
	}
	return r.failed
}

// late keeps an error that must not hide the rows before it.
func late[T any](r *Rows, batch []T, err error) ([]T, error) {
	if len(batch) == 0 {
		return nil, err
	}
	r.failed = err
	return batch, nil
}

// limit is how many rows the next batch may have.
func (r *Rows) limit() int { return max(r.room, batchRows) }

// scanValues returns the values of the row that rows is at. dest, as long as
// the row, is room for the pointers to them.
func scanValues(rows *sql.Rows, dest []any) ([]any, error) {
	values := make([]any, len(dest))
	for i := range values {
		dest[i] = &values[i]
	}
	return values, rows.Scan(dest...)
}

// shut closes the rows; it may be called again. What is wrong with rows that
// nobody wanted is an error of closing them, as by [sql.Rows.Close].
func (r *Rows) shut() error {
	err := r.failed // that nobody has heard of, perhaps
	if r.more {
		if drainErr := r.drain(); err == nil {
			err = drainErr
		}
	}
	r.more, r.follow, r.next = false, none, nil
	if closeErr := r.rows.Close(); closeErr != nil {
		err = closeErr
	}
	r.life.end()
	return err
}

// drop closes rows that nobody got.
func (r *Rows) drop() { _ = r.shut() }

// oneRow reads the first row, and gives the connection back.
func oneRow(rows *sql.Rows) (*Row, error) {
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	if !rows.Next() {
		if err := rows.Err(); err != nil {
			return nil, err
		}
		return nil, ErrNoRows
	}
	values, err := scanValues(rows, make([]any, len(columns)))
	if err != nil {
		return nil, err
	}
	one := &struct {
		Row
		head header
	}{head: header{columns: columns}}
	one.Row = Row{&one.head, values}
	return &one.Row, rows.Close()
}
