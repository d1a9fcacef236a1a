package integration

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/valet-go/valet/adapter"
	"github.com/valet-go/valet/cmd/internal/private"
	"github.com/valet-go/valet/fakesock"
)

// postgresTests run the unmodified pgx over its own sockets, over the fake
// socket, and over that with TLS.
var postgresTests = []struct {
	name string
	run  func(*testing.T, *pgEnv)
}{
	{"values go both ways", testPgValues},
	{"a prepared statement is used again", testPgPrepared},
	{"an error leaves the connection usable", testPgError},
	{"calls read with callbacks", testPgCalls},
	{"transfers between accounts lose nothing", testPgTransactions},
	{"200 goroutines share 8 connections", testPgPool},
	{"what is notified is received", testPgNotify},
	{"values of many MiB go both ways", testPgLarge},
	{"many rows are read", testPgRows},
	{"rows are copied in and out", testPgCopy},
	{"a copy that fails leaves the connection usable", testPgCopyFails},
	{"a batch is sent while its results come in", testPgBatch},
	{"an ending context closes the connection", testPgCancel},
	{"an ending context cancels the query by another connection", testPgCancelRequest},
	{"a deadline ends a query", testPgDeadline},
}

func TestPostgres(t *testing.T) {
	srv := private.RequirePostgres(t)
	for _, way := range []pgWay{
		{name: "native", dsn: srv.DSN(), native: true},
		{name: "fake socket", dsn: srv.DSN()},
		{name: "fake socket with TLS", dsn: srv.DSNWithTLS()},
	} {
		t.Run(way.name, func(t *testing.T) {
			for _, test := range postgresTests {
				t.Run(test.name, func(t *testing.T) { test.run(t, newPgEnv(t, way, nil)) })
			}
		})
	}
}

// pgWay is how pgx connects.
type pgWay struct {
	name, dsn string
	native    bool
}

// pgEnv is an env with a pool of 8 connections at most.
type pgEnv struct {
	*env
	way    pgWay
	pool   *pgxpool.Pool
	dialer *countingDialer // not used if native
}

func newPgEnv(t testing.TB, way pgWay, change func(*pgxpool.Config)) *pgEnv {
	t.Helper()
	e := &pgEnv{env: newEnv(t), way: way}
	cfg, err := pgxpool.ParseConfig(way.dsn)
	if err != nil {
		t.Fatal(err)
	}
	cfg.MaxConns = 8
	if !way.native {
		e.dialer = &countingDialer{d: &fakesock.Dialer{Loop: e.l}}
		cfg.ConnConfig.DialFunc = e.dialer.DialContext
	}
	if change != nil {
		change(cfg)
	}
	if e.pool, err = pgxpool.NewWithConfig(bg, cfg); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		e.pool.Close()
		if e.used() {
			e.dialer.wantFake(t)
		}
	})
	return e
}

// used reports whether the fake socket was to be used.
func (e *pgEnv) used() bool { return !e.way.native && e.pool.Stat().NewConnsCount() > 0 }

// exec executes a statement that must not fail.
func (e *pgEnv) exec(query string, args ...any) pgconn.CommandTag {
	e.t.Helper()
	tag, err := e.pool.Exec(bg, query, args...)
	if err != nil {
		e.t.Fatalf("%s: %v", query, err)
	}
	return tag
}

// conn is a connection of the pool's that the test keeps to its end.
func (e *pgEnv) conn() *pgx.Conn {
	e.t.Helper()
	c, err := e.pool.Acquire(bg)
	if err != nil {
		e.t.Fatal(err)
	}
	e.t.Cleanup(c.Release)
	return c.Conn()
}

// table makes a table and returns its name.
func (e *pgEnv) table(columns string) string {
	e.t.Helper()
	name := fmt.Sprintf("t%d", tables.Add(1))
	e.exec("CREATE TABLE " + name + " (" + columns + ")")
	return name
}

// pgQuerier is a pool, a connection or a transaction.
type pgQuerier interface {
	Query(ctx context.Context, query string, args ...any) (pgx.Rows, error)
}

// pgOne reads the one value that a query must have.
func pgOne[T any](ctx context.Context, q pgQuerier, query string, args ...any) (T, error) {
	rows, err := q.Query(ctx, query, args...)
	if err != nil {
		return *new(T), err
	}
	return pgx.CollectExactlyOneRow(rows, pgx.RowTo[T])
}

// hasPgCode reports whether err is the server's, with the SQLSTATE code.
func hasPgCode(err error, code string) bool {
	var failed *pgconn.PgError
	return errors.As(err, &failed) && failed.Code == code
}

func testPgValues(t *testing.T, e *pgEnv) {
	table := e.table("n BIGINT, s TEXT, b BYTEA, at TIMESTAMPTZ, list INT[]")
	type values struct {
		N    int64
		S    *string
		B    []byte
		At   time.Time
		List []int32
	}
	ada := "Ada"
	for _, want := range []values{
		{1, &ada, []byte{0, 1, 255}, time.UnixMicro(1_700_000_000_123_456), []int32{1, 2, 3}},
		{-1 << 63, nil, []byte{}, time.Unix(0, 0), []int32{}},
	} {
		tag := e.exec("INSERT INTO "+table+" VALUES ($1, $2, $3, $4, $5)", want.N, want.S, want.B, want.At, want.List)
		if n := tag.RowsAffected(); n != 1 {
			t.Errorf("%d rows were affected", n)
		}
		rows, err := e.pool.Query(bg, "SELECT n, s, b, at, list FROM "+table+" WHERE n = $1", want.N)
		if err != nil {
			t.Fatal(err)
		}
		got, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[values])
		if err != nil {
			t.Fatal(err)
		}
		if got.At = got.At.In(want.At.Location()); !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
}

func testPgPrepared(t *testing.T, e *pgEnv) {
	c := e.conn()
	if _, err := c.Prepare(bg, "add", "SELECT $1::int + $2::int"); err != nil {
		t.Fatal(err)
	}
	for i := range int32(500) {
		if sum, err := pgOne[int32](bg, c, "add", i, 1); err != nil || sum != i+1 {
			t.Fatalf("%d + 1 = %d, %v", i, sum, err)
		}
	}
	if err := c.Deallocate(bg, "add"); err != nil {
		t.Error(err)
	}
}

func testPgError(t *testing.T, e *pgEnv) {
	c := e.conn()
	for query, code := range map[string]string{
		"SELECT 1/0": "22012", "SELEC": "42601", "SELECT * FROM nothing": "42P01",
	} {
		if _, err := c.Exec(bg, query); !hasPgCode(err, code) {
			t.Errorf("%s: %v, want the code %s", query, err, code)
		}
		if err := c.Ping(bg); err != nil {
			t.Errorf("after %s: %v", query, err)
		}
	}
}

func testPgCalls(t *testing.T, e *pgEnv) {
	table := e.table("n INT")
	count := func(cb func(int64, error)) *adapter.Call {
		return adapter.Go(bg, e.a, func(ctx context.Context) (int64, error) {
			if _, err := e.pool.Exec(ctx, "INSERT INTO "+table+" VALUES ($1)", 1); err != nil {
				return 0, err
			}
			return pgOne[int64](ctx, e.pool, "SELECT count(*) FROM "+table)
		}, cb)
	}
	var calls []*pending[int64]
	for range 50 {
		calls = append(calls, begin(e.env, count))
	}
	most := int64(0)
	for _, call := range calls {
		most = max(most, call.must())
	}
	if most != 50 {
		t.Errorf("counted %d at most, want 50", most)
	}
	err := begin(e.env, func(cb func(int32, error)) *adapter.Call {
		return adapter.Go(bg, e.a, func(ctx context.Context) (int32, error) {
			return pgOne[int32](ctx, e.pool, "SELECT 1/0")
		}, cb)
	}).fails()
	if !hasPgCode(err, "22012") {
		t.Errorf("got %v, want a division by zero", err)
	}
}

func testPgTransactions(t *testing.T, e *pgEnv) {
	const accounts, each = 10, 100
	table := e.table("id INT PRIMARY KEY, amount INT")
	e.exec("INSERT INTO "+table+" SELECT n, $1 FROM generate_series(0, $2) n", each, accounts-1)
	var wg sync.WaitGroup
	for i := range 40 {
		wg.Go(func() {
			undo := errors.New("undo")
			err := pgx.BeginFunc(bg, e.pool, func(tx pgx.Tx) error {
				from, to := i%accounts, (i*7+1)%accounts
				low, high := min(from, to), max(from, to) // in one order, or they lock each other out
				if _, err := tx.Exec(bg, "SELECT id FROM "+table+" WHERE id IN ($1, $2) ORDER BY id FOR UPDATE", low, high); err != nil {
					return err
				}
				if _, err := tx.Exec(bg, "UPDATE "+table+" SET amount = amount - 1 WHERE id = $1", from); err != nil {
					return err
				}
				if i%3 == 0 {
					return undo
				}
				_, err := tx.Exec(bg, "UPDATE "+table+" SET amount = amount + 1 WHERE id = $1", to)
				return err
			})
			if err != nil && err != undo {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if sum, err := pgOne[int64](bg, e.pool, "SELECT sum(amount) FROM "+table); err != nil || sum != accounts*each {
		t.Errorf("the accounts have %d, %v; want %d", sum, err, accounts*each)
	}
}

func testPgPool(t *testing.T, e *pgEnv) {
	const goroutines, each = 200, 10
	var wg sync.WaitGroup
	for i := range int32(goroutines) {
		wg.Go(func() {
			for range each {
				if n, err := pgOne[int32](bg, e.pool, "SELECT $1::int", i); err != nil || n != i {
					t.Errorf("got %d, %v; want %d", n, err, i)
					return
				}
			}
		})
	}
	wg.Wait()
	if n := e.pool.Stat().NewConnsCount(); n > 8 {
		t.Errorf("%d connections were dialled for a pool of 8", n)
	}
}

func testPgNotify(t *testing.T, e *pgEnv) {
	c := e.conn()
	if _, err := c.Exec(bg, "LISTEN news"); err != nil {
		t.Fatal(err)
	}
	// That nothing comes in time does not cost the connection.
	ctx, cancel := context.WithTimeout(bg, 50*time.Millisecond)
	defer cancel()
	if n, err := c.WaitForNotification(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, %v; want %v", n, err, context.DeadlineExceeded)
	}
	received := make(chan string)
	go func() {
		defer close(received)
		for range 20 {
			n, err := c.WaitForNotification(bg)
			if err != nil {
				t.Error(err)
				return
			}
			received <- n.Payload
		}
	}()
	for i := range 20 {
		e.exec("SELECT pg_notify('news', $1)", fmt.Sprint(i))
		if got := await(t, received); got != fmt.Sprint(i) {
			t.Errorf("notification %d is %q", i, got)
		}
	}
	<-received
	if err := c.Ping(bg); err != nil {
		t.Error(err)
	}
}
