package mysql

import (
	"context"
	"database/sql/driver"
)

// driverStmt is what the driver's statements can do.
type driverStmt interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
	driver.NamedValueChecker
}

// stmt is to a statement what conn is to a connection.
type stmt struct {
	driverStmt
	c *conn
}

// stmtOf wraps s. A statement with arguments is prepared and closed each time
// unless the driver interpolates them, so the wrapper is used again.
func (c *conn) stmtOf(s driver.Stmt) driver.Stmt {
	inner, ok := s.(driverStmt)
	if !ok {
		return s
	}
	wrapped := c.spare
	if wrapped == nil {
		wrapped = &stmt{c: c}
	}
	c.spare = nil
	wrapped.driverStmt = inner
	return wrapped
}

// Close is [driver.Stmt.Close]. database/sql calls it once, and nothing after
// it.
func (s *stmt) Close() error {
	inner := s.driverStmt
	s.driverStmt, s.c.spare = nil, s
	return inner.Close()
}

// ExecContext is [driver.StmtExecContext.ExecContext].
func (s *stmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	o, err := s.c.begin(ctx)
	defer o.end()
	if err != nil {
		return nil, err
	}
	return s.driverStmt.ExecContext(ctx, args)
}

// QueryContext is [driver.StmtQueryContext.QueryContext].
func (s *stmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	o, err := s.c.begin(ctx)
	if err != nil {
		o.end()
		return nil, err
	}
	rows, err := s.driverStmt.QueryContext(ctx, args)
	return s.c.rowsOf(ctx, o, rows, err)
}
