package parity

import (
	"context"
	"database/sql"
	"strings"
	"testing"
	"time"

	"github.com/valet-go/valet/adapter"
	"github.com/valet-go/valet/backends/mysql"
	"github.com/valet-go/valet/backends/sql/syncsql"
	"github.com/valet-go/valet/cmd/parity/internal/methods"
	"github.com/valet-go/valet/loop"
)

// poolSize is how many connections a side has.
const poolSize = 6

// side is one of the two ways to the driver.
type side struct {
	db     any           // a *sql.DB or a *syncsql.DB
	async  *mysql.DB     // what the latter waits for, or nil
	seen   *methods.Seen // nil for the raw one
	stats  func() sql.DBStats
	open   func(dsn string) any // another one, closed with the test
	closed bool                 // by the scenario
}

func withParams(dsn, params string) string {
	if params == "" {
		return dsn
	}
	return dsn + map[bool]string{true: "&", false: "?"}[strings.Contains(dsn, "?")] + params
}

// newRaw opens the driver with database/sql.
func newRaw(t *testing.T, srv server, params string) *side {
	t.Helper()
	open := func(dsn string) *sql.DB {
		db, err := sql.Open("mysql", withParams(dsn, params))
		if err != nil {
			t.Fatal(err)
		}
		db.SetMaxOpenConns(poolSize)
		db.SetMaxIdleConns(poolSize)
		t.Cleanup(func() { db.Close() })
		return db
	}
	db := open(srv.dsn)
	return &side{db: db, stats: db.Stats, open: func(dsn string) any { return open(dsn) }}
}

// newCallbacks opens the driver with backends/mysql on a loop.
func newCallbacks(t *testing.T, srv server, params string, seen *methods.Seen) *side {
	t.Helper()
	l, err := loop.Start(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	a := adapter.New(l)
	hook := adapter.WithHook(adapter.Hook{Start: func(ctx context.Context, call adapter.CallStart) context.Context {
		seen.Hear(call.Name)
		return ctx
	}})
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := a.Close(ctx); err != nil {
			t.Error(err)
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	open := func(dsn string) *mysql.DB {
		async, err := mysql.Open(a, withParams(dsn, params), mysql.WithMaxConns(poolSize), mysql.WithCalls(hook))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			ctx, cancel := context.WithTimeout(context.Background(), patience)
			defer cancel()
			if err := adapter.WaitErr(func(cb func(error)) { async.Close(ctx, cb) }); err != nil {
				t.Error(err)
			}
		})
		return async
	}
	async := open(srv.dsn)
	return &side{
		db: syncsql.NewDB(async), async: async, seen: seen, stats: async.Stats,
		open: func(dsn string) any { return syncsql.NewDB(open(dsn)) },
	}
}

// patience is how long a test waits for what must happen.
const patience = 20 * time.Second

// eventually polls until cond holds.
func eventually(t testing.TB, what string, cond func() bool) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); !cond(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("never happened: %s", what)
		}
	}
}
