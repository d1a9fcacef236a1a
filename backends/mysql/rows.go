package mysql

import (
	"context"
	"database/sql/driver"
	"sync"
)

// driverRows is what the driver's rows can do.
type driverRows interface {
	driver.Rows
	driver.RowsNextResultSet
	driver.RowsColumnTypeDatabaseTypeName
	driver.RowsColumnTypeNullable
	driver.RowsColumnTypePrecisionScale
	driver.RowsColumnTypeScanType
}

// rows are those of a query that can be killed until they are closed. They are
// a [sql.KillableRows] of backends/sql.
type rows struct {
	driverRows
	c *conn

	mu     sync.Mutex // guards the rest
	o      *op        // of the query, or of the newest batch
	closed bool
}

// Close is [driver.Rows.Close], which reads what is left.
func (r *rows) Close() error {
	err := r.driverRows.Close()
	r.mu.Lock()
	o := r.o
	r.closed = true
	r.mu.Unlock()
	o.end()
	return err
}

// Arm makes what is read next a part of the call that ctx belongs to.
func (r *rows) Arm(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil
	}
	o, err := r.c.begin(ctx)
	r.o = o
	return err
}

// Settle ends what Arm began, and reports whether the server was told to stop
// and the rows are still open.
func (r *rows) Settle() (killed bool) {
	r.mu.Lock()
	o := r.o
	r.mu.Unlock()
	killed = o.settle()
	r.mu.Lock()
	defer r.mu.Unlock()
	return killed && !r.closed
}

// Kill makes the server stop, because the rows are not wanted any more.
func (r *rows) Kill(ctx context.Context) error {
	returned := make(chan struct{})
	defer close(returned)
	o := &op{c: r.c, release: func() { <-returned }}
	r.mu.Lock()
	if r.closed || r.o.wasSent() {
		r.mu.Unlock()
		return nil
	}
	r.o = o
	r.mu.Unlock()
	return o.kill(ctx)
}
