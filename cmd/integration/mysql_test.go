package integration

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	driver "github.com/go-sql-driver/mysql"

	"github.com/valet-go/valet/adapter"
	"github.com/valet-go/valet/backends/mysql"
	"github.com/valet-go/valet/cmd/internal/embedded"
	"github.com/valet-go/valet/cmd/internal/private"
)

// mysqlServer is what the tests of MySQL run against.
type mysqlServer struct {
	dsn  string
	real bool // MariaDB, and not the embedded one
}

// mysqlTests run against every server, each with a pool of its own.
var mysqlTests = []struct {
	name string
	run  func(*testing.T, *mysqlEnv)
}{
	{"Open does not dial and Connect does", testConnect},
	{"statements change and read rows", testStatements},
	{"prepared statements can be used again", testPrepared},
	{"QueryRow without a row reports ErrNoRows", testNoRow},
	{"the server's errors arrive unchanged", testServerError},
	{"callbacks run on another executor", testOn},
	{"rows come complete and in order", testRows},
	{"Each stops at the item's error", testEachStops},
	{"Collect stops at its limit", testCollectLimit},
	{"rows can be closed early", testCloseEarly},
	{"rows in memory hold no connection", testSmallRowsHoldNothing},
	{"rows know their columns", testColumns},
	{"Get, All and Each fill structs", testGet},
	{"Scan does what database/sql does", testScanParity},
	{"Scan checks its destinations as database/sql does", testScanDestinations},
	{"a transaction commits and rolls back", testTx},
	{"a transaction's calls keep their order", testTxOrder},
	{"a transaction's rows and statements are its own", testTxRows},
	{"twice as many transactions as connections all commit", testManyTx},
	{"BeginTx outlives its context", testBeginOutlivesContext},
	{"a Begin that waits ends with its context", testBeginWaitsForConnection},
	{"what was cancelled is given back", testCancelGivesBack},
	{"an ended context is reported once", testEndedContext},
	{"a full queue refuses", testOverload},
	{"a panic becomes the call's error", testPanickingBody},
	{"DB.Close waits for what runs", testClose},
	{"DB.Close ends calls when its context does", testCloseImpatient},
}

func TestMySQLEmbedded(t *testing.T) {
	srv, err := embedded.StartMySQL()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { srv.Close() })
	runMySQL(t, mysqlServer{dsn: srv.DSN()})
}

func TestMySQLMariaDB(t *testing.T) {
	runMySQL(t, mysqlServer{dsn: private.RequireMariaDB(t).DSN(), real: true})
}

func runMySQL(t *testing.T, srv mysqlServer) {
	for _, test := range mysqlTests {
		t.Run(test.name, func(t *testing.T) { test.run(t, newMySQLEnv(t, srv)) })
	}
}

// mysqlEnv is an env with a pool.
type mysqlEnv struct {
	*env
	mysqlServer
	db *mysql.DB
}

func newMySQLEnv(t testing.TB, srv mysqlServer, opts ...mysql.Option) *mysqlEnv {
	t.Helper()
	if len(opts) == 0 {
		opts = []mysql.Option{mysql.WithMaxConns(4)}
	}
	e := newEnv(t)
	return &mysqlEnv{e, srv, e.open(t, srv.dsn, opts...)}
}

// with returns a second env for the same server, with other options.
func (e *mysqlEnv) with(opts ...mysql.Option) *mysqlEnv {
	e.t.Helper()
	return newMySQLEnv(e.t, e.mysqlServer, opts...)
}

// open opens a pool that is closed at the end of the test, when nothing may be
// left of it.
func (e *env) open(t testing.TB, dsn string, opts ...mysql.Option) *mysql.DB {
	t.Helper()
	db, err := mysql.Open(e.a, dsn, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if e.cut {
			db.Unwrap().Close() // no callback would come
			return
		}
		eventually(t, "no connection in use", func() bool { return db.Unwrap().Stats().InUse == 0 })
		if _, err := begin(e, finish(func(cb func(error)) { db.Close(bg, cb) })).wait(); err != nil {
			t.Errorf("closing the pool: %v", err)
		}
		if n := db.Unwrap().Stats().OpenConnections; n != 0 {
			t.Errorf("%d connections are open after Close", n)
		}
	})
	return db
}

// dsnWith adds parameters to a DSN.
func dsnWith(t testing.TB, dsn string, set func(*driver.Config)) string {
	t.Helper()
	cfg, err := driver.ParseDSN(dsn)
	if err != nil {
		t.Fatal(err)
	}
	set(cfg)
	return cfg.FormatDSN()
}

func (e *mysqlEnv) exec(query string, args ...any) mysql.Result {
	e.t.Helper()
	return e.beginExec(bg, query, args...).must()
}

func (e *mysqlEnv) beginExec(ctx context.Context, query string, args ...any) *pending[mysql.Result] {
	return begin(e.env, func(cb func(mysql.Result, error)) *adapter.Call {
		return e.db.Exec(ctx, query, cb, args...)
	})
}

func (e *mysqlEnv) query(query string, args ...any) *mysql.Rows {
	e.t.Helper()
	return e.beginQuery(bg, query, args...).must()
}

func (e *mysqlEnv) beginQuery(ctx context.Context, query string, args ...any) *pending[*mysql.Rows] {
	return begin(e.env, func(cb func(*mysql.Rows, error)) *adapter.Call {
		return e.db.Query(ctx, query, cb, args...)
	})
}

func (e *mysqlEnv) beginRow(ctx context.Context, query string, args ...any) *pending[*mysql.Row] {
	return begin(e.env, func(cb func(*mysql.Row, error)) *adapter.Call {
		return e.db.QueryRow(ctx, query, cb, args...)
	})
}

// number is the result of a query of one number.
func (e *mysqlEnv) number(query string, args ...any) (n int) {
	e.t.Helper()
	if err := e.beginRow(bg, query, args...).must().Scan(&n); err != nil {
		e.t.Fatal(err)
	}
	return n
}

func (e *mysqlEnv) beginTx(ctx context.Context) *pending[*mysql.Tx] {
	return begin(e.env, func(cb func(*mysql.Tx, error)) *adapter.Call { return e.db.BeginTx(ctx, nil, cb) })
}

func (e *mysqlEnv) inUse() int { return e.db.Unwrap().Stats().InUse }

// wantIdle checks that no connection is in use, now.
func (e *mysqlEnv) wantIdle() {
	e.t.Helper()
	if n := e.inUse(); n != 0 {
		e.t.Errorf("%d connections are in use, want none", n)
	}
}

var tables atomic.Int64

// table makes a table with a fresh name.
func (e *mysqlEnv) table(columns string) string {
	e.t.Helper()
	name := fmt.Sprintf("t%d", tables.Add(1))
	e.exec("CREATE TABLE " + name + " (" + columns + ")")
	return name
}

// numbers makes a table of the numbers from 0 to n-1.
func (e *mysqlEnv) numbers(n int) string {
	e.t.Helper()
	name := e.table("n INT PRIMARY KEY, label VARCHAR(20)")
	const some = 500
	for from := 0; from < n; from += some {
		var values []string
		for i := from; i < min(n, from+some); i++ {
			values = append(values, fmt.Sprintf("(%d, 'row %d')", i, i))
		}
		e.exec("INSERT INTO " + name + " VALUES " + strings.Join(values, ", "))
	}
	return name
}
