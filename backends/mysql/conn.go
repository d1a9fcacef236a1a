package mysql

import (
	"context"
	"database/sql/driver"
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/valet-go/valet/backends/sql"
)

// driverConn is what the driver's connections can do. Exec and Query are for
// programs that get at the connection by [database/sql.Conn.Raw].
type driverConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.NamedValueChecker
	driver.Pinger
	driver.SessionResetter
	driver.Validator
	Exec(query string, args []driver.Value) (driver.Result, error)
	Query(query string, args []driver.Value) (driver.Rows, error)
}

// conn is a connection of the driver's which tells calls with the policy Kill
// how to kill what they ask. For all others it only passes on. One goroutine
// uses it at a time, as database/sql guarantees.
type conn struct {
	driverConn
	killer *killer
	id     uint64   // the server's number of it; 0: not asked yet
	mute   bool     // the server does not tell
	peer   net.Addr // nil: not known
	spare  *stmt    // to be used again
}

// BeginTx is [driver.ConnBeginTx.BeginTx].
func (c *conn) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	o, err := c.begin(ctx)
	defer o.end()
	if err != nil {
		return nil, err
	}
	return c.driverConn.BeginTx(ctx, opts)
}

// ExecContext is [driver.ExecerContext.ExecContext].
func (c *conn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	o, err := c.begin(ctx)
	defer o.end()
	if err != nil {
		return nil, err
	}
	return c.driverConn.ExecContext(ctx, query, args)
}

// QueryContext is [driver.QueryerContext.QueryContext].
func (c *conn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	o, err := c.begin(ctx)
	if err != nil {
		o.end()
		return nil, err
	}
	rows, err := c.driverConn.QueryContext(ctx, query, args)
	return c.rowsOf(ctx, o, rows, err)
}

// PrepareContext is [driver.ConnPrepareContext.PrepareContext].
func (c *conn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	o, err := c.begin(ctx)
	defer o.end()
	if err != nil {
		return nil, err
	}
	s, err := c.driverConn.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	return c.stmtOf(s), nil
}

// rowsOf ends o, or leaves that to the rows.
func (c *conn) rowsOf(ctx context.Context, o *op, got driver.Rows, err error) (driver.Rows, error) {
	if o == nil {
		return got, err
	}
	inner, ok := got.(driverRows)
	if err != nil || !ok {
		o.end()
		return got, err
	}
	r := &rows{driverRows: inner, c: c, o: o}
	sql.KillBy(ctx, r)
	return r, nil
}

// identify finds out the connection's number, if need be by asking, and reports
// whether it is known. An error is one to return: nothing else was asked.
func (c *conn) identify(ctx context.Context) (known bool, err error) {
	if c.id != 0 || c.mute {
		return !c.mute, nil
	}
	switch c.id, err = c.ask(ctx); {
	case err == nil:
		return true, nil
	case answered(err): // so calls go on, but cannot be killed
		c.mute = true
		return false, nil
	case ctx.Err() != nil:
		return false, ctx.Err()
	default:
		return false, driver.ErrBadConn // it may have been idle for too long
	}
}

func (c *conn) ask(ctx context.Context) (id uint64, err error) {
	rows, err := c.driverConn.QueryContext(ctx, "SELECT CONNECTION_ID()", nil)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	var value [1]driver.Value
	if err := rows.Next(value[:]); err != nil {
		return 0, err
	}
	if text, ok := value[0].([]byte); ok {
		value[0] = string(text)
	}
	return strconv.ParseUint(fmt.Sprint(value[0]), 10, 64)
}

// flushPatience is how long a server may take for a ping.
const flushPatience = time.Second

// flush lets the server notice a kill that came when it had done its work.
func (c *conn) flush() {
	ctx, cancel := context.WithTimeout(context.Background(), flushPatience)
	defer cancel()
	if err := c.Ping(ctx); err != nil && !answered(err) {
		c.driverConn.Close()
	}
}
