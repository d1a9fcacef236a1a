package parity

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/valet-go/valet/adapter"
	"github.com/valet-go/valet/backends/mysql"
)

// What Get, All and Each do has no like in database/sql: by hand, it is a query
// and a loop that scans.
var genericScenarios = []scenario{
	{name: "Get, All and Each give what a loop does", params: "parseTime=true", run: genericAll},
	{name: "Get, All and Each fail as a loop does", run: genericErrors},
}

type person struct {
	ID   int
	Name *string
	Age  sql.NullInt64
}

// columns are where a loop scans a person to.
func (q *person) columns() []any { return []any{&q.ID, &q.Name, &q.Age} }

func (q person) String() string {
	name := "NULL"
	if q.Name != nil {
		name = *q.Name
	}
	return fmt.Sprint(q.ID, " ", name, " ", q.Age)
}

// queryContexter is what the objects of database/sql have that are asked.
type queryContexter interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// loopOver is the way without Get, All and Each. A limit of 0 is none.
func loopOver(ctx context.Context, q queryContexter, query string, limit int, item func(person) error, args ...any) error {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for n := 0; (limit == 0 || n < limit) && rows.Next(); n++ {
		var v person
		if err := rows.Scan(v.columns()...); err != nil {
			return err
		}
		if err := item(v); err != nil {
			return err
		}
	}
	return errors.Join(rows.Err(), rows.Close())
}

// fetch asks in the three ways, and notes what came.
func (p *program) fetch(ctx context.Context, query string, limit int, refuse int, args ...any) {
	p.t.Helper()
	var first person
	var firstErr, allErr, eachErr error
	var all, each []person
	item := func(v person) error {
		if each = append(each, v); refuse > 0 && len(each) == refuse {
			return errScanner
		}
		return nil
	}
	if p.async == nil {
		db := p.db.(*sql.DB)
		firstErr = sql.ErrNoRows
		if err := loopOver(ctx, db, query, 1, func(v person) error { first, firstErr = v, nil; return nil }, args...); err != nil {
			firstErr = err
		}
		allErr = loopOver(ctx, db, query, limit, func(v person) error { all = append(all, v); return nil }, args...)
		eachErr = loopOver(ctx, db, query, 0, item, args...)
	} else {
		first, firstErr = adapter.Wait(func(cb func(person, error)) { mysql.Get(ctx, p.async, query, cb, args...) })
		all, allErr = adapter.Wait(func(cb func([]person, error)) { mysql.All(ctx, p.async, query, limit, cb, args...) })
		eachErr = adapter.WaitErr(func(cb func(error)) { mysql.Each(ctx, p.async, query, item, cb, args...) })
	}
	p.note("Get %s = %v, %s", query, first, describeError(firstErr))
	p.note("All = %v, %s", all, describeError(allErr))
	p.note("Each = %v, %s", each, describeError(eachErr))
}

func genericAll(p *program) {
	p.table("persons", "id INT PRIMARY KEY, name VARCHAR(20), age INT", "(1, 'Ada', 36), (2, NULL, NULL), (3, 'Alan', 41)")
	p.fetch(bg, "SELECT * FROM persons ORDER BY id", 0, 0)
	p.fetch(bg, "SELECT * FROM persons WHERE id > ? ORDER BY id", 1, 2, 1)
	p.fetch(bg, "SELECT * FROM persons WHERE id > ?", 0, 0, 10)
	p.numbers(600)
	p.fetch(bg, "SELECT n AS id, label AS name, NULL AS age FROM numbers ORDER BY n", 300, 400)
}

func genericErrors(p *program) {
	p.table("persons", "id INT PRIMARY KEY, name VARCHAR(20), age INT", "(1, 'Ada', 36)")
	ended, cancel := p.context()
	cancel()
	p.fetch(ended, "SELECT * FROM persons", 0, 0)
	p.fetch(bg, "SELEKT", 0, 0)
	p.fetch(bg, "SELECT * FROM no_such_table", 0, 0)
	p.fetch(bg, "SELECT * FROM persons WHERE id = ?", 0, 0)
	p.fetch(bg, "SELECT * FROM persons WHERE id = ?", 0, 0, struct{}{})
}
