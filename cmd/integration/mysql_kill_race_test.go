package integration

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	"github.com/valet-go/valet/adapter"
	"github.com/valet-go/valet/backends/mysql"
)

// testKillRace cancels queries that last about as long as a kill takes, at any
// moment of their lives, on connections that are used again at once. What is not
// cancelled must succeed, and what is cancelled must not take connections with
// it.
func testKillRace(t *testing.T, e *mysqlEnv, _ *faultyServer) {
	const conns, lines, lasts = 3, 6, 3 * time.Second
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
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
	var cancelled, killed, finished, checked atomic.Int64
	began := time.Now()
	done := make(chan struct{})
	left := atomic.Int64{}
	left.Store(lines)
	for line := range lines {
		rng := rand.New(rand.NewPCG(seed, uint64(line)))
		go func() {
			defer func() {
				if left.Add(-1) == 0 {
					close(done)
				}
			}()
			for goesOn(began, lasts, &killed, &finished) && !t.Failed() {
				e.cancelOne(rng, queries[rng.IntN(len(queries))], &cancelled, &killed, &finished)
				for range 2 {
					checked.Add(1)
					if _, err := adapter.Wait(func(cb func(*mysql.Row, error)) {
						e.db.QueryRow(bg, "SELECT COUNT(*), SLEEP(0.001) FROM "+table, cb)
					}); err != nil {
						t.Errorf("a query that nobody cancelled: %v", err)
					}
				}
			}
		}()
	}
	await(t, done)
	eventually(t, "no connection in use", func() bool { return e.inUse() == 0 })
	kept := 0
	for id := range e.connections(conns) {
		if before[id] {
			kept++
		}
	}
	t.Logf("%d cancelled, of which %d by the server and %d too late; %d others were not harmed; %d of %d connections were kept",
		cancelled.Load(), killed.Load(), finished.Load(), checked.Load(), kept, conns)
	if killed.Load() == 0 || finished.Load() == 0 {
		t.Error("the cancellations did not come at all moments")
	}
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

func (e *mysqlEnv) cancelOne(rng *rand.Rand, query string, cancelled, killed, finished *atomic.Int64) {
	ctx, cancel := context.WithCancel(bg)
	defer cancel()
	timer := time.AfterFunc(time.Duration(rng.IntN(4000))*time.Microsecond, cancel)
	defer timer.Stop()
	var args []any
	if rng.IntN(2) == 0 {
		query, args = query+" /* ? */", nil
	} else if rng.IntN(2) == 0 {
		query, args = "SELECT * FROM ("+query+") q WHERE 1 = ?", []any{1}
	}
	cancelled.Add(1)
	err := adapter.WaitErr(func(cb func(error)) {
		e.db.Query(ctx, query, func(rows *mysql.Rows, err error) {
			if err != nil {
				cb(err)
				return
			}
			rows.Each(ctx, func(*mysql.Row) error { return nil }, cb)
		}, args...)
	})
	var server *mysql.MySQLError
	switch {
	case err == nil:
		finished.Add(1)
	case !errors.Is(err, context.Canceled):
		e.t.Errorf("a cancelled query: %v", err)
	case errors.As(err, &server):
		killed.Add(1)
	}
}
