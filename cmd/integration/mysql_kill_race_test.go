package integration

import (
	"context"
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/valet-go/valet/adapter"
	"github.com/valet-go/valet/backends/mysql"
)

func testKillRace(t *testing.T, e *mysqlEnv, _ *faultyServer) {
	const conns = 3
	e = e.with(mysql.WithMaxConns(conns), mysql.WithCalls(adapter.WithCancel(adapter.Kill), adapter.WithGrace(patience)))
	table := e.numbers(600)
	queries := []string{
		"SELECT 1",
		"SELECT COUNT(*) FROM " + table,
		"SELECT SLEEP(0.002)",
		"SELECT n, label FROM " + table, // in three batches
		"SELECT n, SLEEP(0.0001) FROM " + table + " LIMIT 300",
	}
	before := e.connections(conns)
	killRace{
		lasts:  3 * time.Second,
		within: 4 * time.Millisecond,
		cancelled: func(ctx context.Context, rng *rand.Rand) error {
			return e.readOne(ctx, rng, queries[rng.IntN(len(queries))])
		},
		other: func() error {
			_, err := adapter.Wait(func(cb func(*mysql.Row, error)) {
				e.db.QueryRow(bg, "SELECT COUNT(*), SLEEP(0.001) FROM "+table, cb)
			})
			return err
		},
		byServer: func(err error) bool {
			var server *mysql.MySQLError
			return errors.As(err, &server)
		},
	}.run(t)
	eventually(t, "no connection in use", func() bool { return e.inUse() == 0 })
	kept := 0
	for id := range e.connections(conns) {
		if before[id] {
			kept++
		}
	}
	t.Logf("%d of %d connections were kept", kept, conns)
}

// connections returns the numbers of the pool's n connections.
func (e *mysqlEnv) connections(n int) map[int]bool {
	e.t.Helper()
	ids := map[int]bool{}
	var all []*mysql.Tx
	for range n {
		tx := e.tx()
		all = append(all, tx)
		ids[must(e.env, func(cb func(int, error)) *adapter.Call {
			return mysql.Get(bg, tx, "SELECT CONNECTION_ID()", cb)
		})] = true
	}
	for _, tx := range all {
		e.rollback(tx).must()
	}
	return ids
}

// readOne reads the rows of a query, prepared or not.
func (e *mysqlEnv) readOne(ctx context.Context, rng *rand.Rand, query string) error {
	var args []any
	if rng.IntN(2) == 0 {
		query, args = query+" /* ? */", nil
	} else if rng.IntN(2) == 0 {
		query, args = "SELECT * FROM ("+query+") q WHERE 1 = ?", []any{1}
	}
	return adapter.WaitErr(func(cb func(error)) {
		e.db.Query(ctx, query, func(rows *mysql.Rows, err error) {
			if err != nil {
				cb(err)
				return
			}
			rows.Each(ctx, func(*mysql.Row) error { return nil }, cb)
		}, args...)
	})
}
