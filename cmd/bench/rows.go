package main

import (
	"context"
	"fmt"

	"github.com/valet-go/valet/adapter"
	"github.com/valet-go/valet/backends/mysql"
	"github.com/valet-go/valet/loop"
)

// rowReader reads the result of a query with many rows, or documents.
type rowReader struct {
	read  func(ctx context.Context, rows int) error // blocks until all have been read
	close func()
}

// rowsQuery has MariaDB make the rows up, each a number, signed as most are, and
// a text of rowText bytes that begins with it.
func rowsQuery(rows int) string {
	return fmt.Sprintf("SELECT CAST(seq AS SIGNED) AS n, RPAD(seq, %d, '.') AS text FROM seq_1_to_%d ORDER BY seq", rowText, rows)
}

const rowText = 64

// rowCheck checks that the rows are those that were asked for.
type rowCheck struct{ seen int }

// numbered is a row, or a document.
type numbered struct {
	N    int `bson:"_id"`
	Text string
}

// check takes the next row.
func (c *rowCheck) check(row numbered) error {
	if c.seen++; row.N != c.seen || len(row.Text) != rowText {
		return fmt.Errorf("number %d is %+v", c.seen, row)
	}
	return nil
}

// end is told why the rows ended.
func (c *rowCheck) end(err error, want int) error {
	if err == nil && c.seen != want {
		err = fmt.Errorf("%d came instead of %d", c.seen, want)
	}
	return err
}

// rowsOnLoop reads rows with callbacks on a loop, by [mysql.Each], over a fake
// socket.
func rowsOnLoop(at target, l *loop.Loop) (rowReader, error) {
	cfg, err := mysqlDriver{}.config(at)
	if err != nil {
		return rowReader{}, err
	}
	cfg.DBName = mysqlDatabase
	db, err := mysql.Open(adapter.New(l), cfg.FormatDSN(), mysql.WithMaxConns(1))
	if err != nil {
		return rowReader{}, err
	}
	read := func(ctx context.Context, n int) error {
		return adapter.WaitErr(func(cb func(error)) {
			var c rowCheck
			mysql.Each(ctx, db, rowsQuery(n), c.check, func(err error) { cb(c.end(err, n)) })
		})
	}
	end := func() {
		ctx, cancel := context.WithTimeout(context.Background(), drainTimeout)
		defer cancel()
		adapter.WaitErr(func(cb func(error)) { db.Close(ctx, cb) })
	}
	return rowReader{read, end}, nil
}

// rowsOnGoroutine reads rows in a plain loop over rows.Next.
func rowsOnGoroutine(at target, dial dialFunc) (rowReader, error) {
	db, err := mysqlDriver{}.pool(at, mysqlDatabase, 1, dial)
	if err != nil {
		return rowReader{}, err
	}
	read := func(ctx context.Context, n int) error {
		rows, err := db.QueryContext(ctx, rowsQuery(n))
		if err != nil {
			return err
		}
		defer rows.Close()
		var c rowCheck
		for rows.Next() {
			var row numbered
			if err := rows.Scan(&row.N, &row.Text); err != nil {
				return err
			}
			if err := c.check(row); err != nil {
				return err
			}
		}
		return c.end(rows.Err(), n)
	}
	return rowReader{read, func() { db.Close() }}, nil
}
