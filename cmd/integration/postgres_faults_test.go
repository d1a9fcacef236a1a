package integration

import (
	"context"
	"errors"
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/valet-go/valet/adapter"
	"github.com/valet-go/valet/cmd/internal/private"
	"github.com/valet-go/valet/loop"
)

// sleeping starts a query, as a call, that the server will not answer, and waits
// until the server runs it. The query contains the mark.
func (e *pgEnv) sleeping(ctx context.Context) (p *pending[string], mark string) {
	e.t.Helper()
	mark = fmt.Sprintf("mark %d", tables.Add(1))
	p = begin(e.env, func(cb func(string, error)) *adapter.Call {
		return adapter.Go(ctx, e.a, func(ctx context.Context) (string, error) {
			return pgOne[string](ctx, e.pool, fmt.Sprintf("SELECT pg_sleep(%d)::text /* %s */", endless, mark))
		}, cb)
	})
	eventually(e.t, "the server sleeps", func() bool { return e.runs(mark) == 1 })
	return p, mark
}

// runs counts the sleeping queries with the mark. One that is only being prepared
// is of no use: a request to cancel it could come in between and be lost.
func (e *pgEnv) runs(mark string) int64 {
	e.t.Helper()
	n, err := pgOne[int64](bg, e.pool,
		"SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND query LIKE $1", "%/* "+mark+" */")
	if err != nil {
		e.t.Fatal(err)
	}
	return n
}

// testPgCancel ends the contexts of queries. pgx closes their connections, and
// tells the server by others.
func testPgCancel(t *testing.T, e *pgEnv) {
	for range 5 {
		ctx, cancel := context.WithCancel(bg)
		query, mark := e.sleeping(ctx)
		cancel()
		query.failsWith(context.Canceled)
		eventually(t, "the server ends the query", func() bool { return e.runs(mark) == 0 })
	}
	e.wantIdle()
}

// testPgCancelRequest has pgx cancel a query and keep the connection.
func testPgCancelRequest(t *testing.T, e *pgEnv) {
	e = newPgEnv(t, e.way, func(cfg *pgxpool.Config) {
		cfg.MaxConns = 2 // one of which watches the other
		cfg.ConnConfig.BuildContextWatcherHandler = func(c *pgconn.PgConn) ctxwatch.Handler {
			return &pgconn.CancelRequestContextWatcherHandler{Conn: c, DeadlineDelay: patience}
		}
	})
	const times = 5
	for range times {
		ctx, cancel := context.WithCancel(bg)
		query, _ := e.sleeping(ctx)
		cancel()
		if err := query.fails(); !hasPgCode(err, "57014") {
			t.Errorf("got %v, want that the query was cancelled", err)
		}
	}
	e.wantIdle()
	if n := e.pool.Stat().NewConnsCount(); n != 2 {
		t.Errorf("%d connections were made, want that 2 were kept", n)
	}
	if e.way.native {
		return
	}
	if n := len(e.dialer.dialled()); n != 2+times {
		t.Errorf("%d connections were dialled, want 2 and %d to cancel", n, times)
	}
}

func testPgDeadline(t *testing.T, e *pgEnv) {
	for range 3 {
		ctx, cancel := context.WithTimeout(bg, 50*time.Millisecond)
		_, err := e.pool.Exec(ctx, fmt.Sprintf("SELECT pg_sleep(%d)", endless))
		cancel()
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want %v", err, context.DeadlineExceeded)
		}
	}
	e.wantIdle()
}

// wantIdle checks that no connection is taken, and that the pool works.
func (e *pgEnv) wantIdle() {
	e.t.Helper()
	eventually(e.t, "all connections are given back", func() bool { return e.pool.Stat().AcquiredConns() == 0 })
	e.exec("SELECT 1")
}

func TestPostgresFaults(t *testing.T) {
	srv := private.RequirePostgres(t)
	for _, test := range []struct {
		name string
		run  func(*testing.T, *pgEnv, *private.Postgres)
	}{
		{"a server killed in the middle is reported, and a restarted one found", testPgKilled},
		{"a connection that the server closed is not used again", testPgServerCloses},
		{"a stopped server is given up at the deadline", testPgStopped},
		{"a wrong password is reported", testPgWrongPassword},
		{"a certificate that nobody vouches for is refused", testPgWrongAuthority},
		{"a loop closed under the pool ends what waits", testPgLoopClosed},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, newPgEnv(t, pgWay{dsn: srv.DSN()}, nil), srv) })
	}
}

// pgLost reports whether err is how pgx reports a lost connection.
func pgLost(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) || err != nil && pgconn.SafeToRetry(err) || errors.As(err, new(*pgconn.ConnectError)) ||
		err != nil && err.Error() == "unexpected EOF"
}

func testPgKilled(t *testing.T, e *pgEnv, srv *private.Postgres) {
	table := e.table("n INT")
	e.exec("INSERT INTO " + table + " SELECT generate_series(1, 5000)")
	tx, err := e.pool.Begin(bg)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := e.pool.Query(bg, "SELECT n, repeat('x', 10000) FROM "+table) // far more than any buffer
	if err != nil {
		t.Fatal(err)
	}
	query, _ := e.sleeping(bg)
	srv.Kill()
	if err := query.fails(); !pgLost(err) {
		t.Errorf("the query in the middle: %v", err)
	}
	if _, err := tx.Exec(bg, "SELECT 1"); !pgLost(err) {
		t.Errorf("the transaction: %v", err)
	}
	if err := tx.Rollback(bg); err == nil {
		t.Error("the transaction was rolled back")
	}
	for rows.Next() { // what the kernel had is still read
	}
	if err := rows.Err(); !pgLost(err) {
		t.Errorf("the rows: %v", err)
	}
	if err := e.pool.Ping(bg); !pgLost(err) {
		t.Errorf("while it is down: %v", err)
	}
	if err := srv.Restart(bg); err != nil {
		t.Fatal(err)
	}
	if n, err := pgOne[int64](bg, e.pool, "SELECT count(*) FROM "+table); err != nil || n != 5000 {
		t.Errorf("%d rows after the restart, %v; want 5000", n, err)
	}
	e.wantIdle()
}

// testPgServerCloses relies on pgx's own check of connections that were idle for
// a second, which it is told to make always.
func testPgServerCloses(t *testing.T, e *pgEnv, _ *private.Postgres) {
	checked := newPgEnv(t, e.way, func(cfg *pgxpool.Config) {
		cfg.MaxConns = 1
		cfg.ShouldPing = func(context.Context, pgxpool.ShouldPingParams) bool { return true }
	})
	last := int32(0)
	for range 20 {
		pid, err := pgOne[int32](bg, checked.pool, "SELECT pg_backend_pid()")
		if err != nil || pid == last {
			t.Fatalf("process %d after %d, %v", pid, last, err)
		}
		if gone, err := pgOne[bool](bg, e.pool, "SELECT pg_terminate_backend($1, 10000)", pid); err != nil || !gone {
			t.Fatalf("the connection was not closed: %v", err)
		}
		last = pid
	}
}

func testPgStopped(t *testing.T, e *pgEnv, srv *private.Postgres) {
	e.exec("SELECT 1")
	if err := srv.Pause(); errors.Is(err, errors.ErrUnsupported) {
		t.Skip("this system cannot stop a family of processes")
	} else if err != nil {
		t.Fatal(err)
	}
	defer srv.Resume()
	var err error
	eventually(t, "the server stands still", func() bool {
		ctx, cancel := context.WithTimeout(bg, 100*time.Millisecond)
		defer cancel()
		err = e.pool.Ping(ctx)
		return err != nil
	})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want %v", err, context.DeadlineExceeded)
	}
	if err := srv.Resume(); err != nil {
		t.Fatal(err)
	}
	if err := e.pool.Ping(bg); err != nil {
		t.Errorf("after it goes on: %v", err)
	}
}

func testPgWrongPassword(t *testing.T, _ *pgEnv, srv *private.Postgres) {
	e := newPgEnv(t, pgWay{dsn: srv.DSNFor("wrong")}, nil)
	if err := e.pool.Ping(bg); !hasPgCode(err, "28P01") {
		t.Errorf("got %v, want an invalid password", err)
	}
}

func testPgWrongAuthority(t *testing.T, _ *pgEnv, srv *private.Postgres) {
	_, roots := certificate(t)
	e := newPgEnv(t, pgWay{dsn: srv.DSNWithTLS()}, func(cfg *pgxpool.Config) {
		cfg.ConnConfig.TLSConfig.RootCAs = roots
	})
	if err := e.pool.Ping(bg); !notVouchedFor(err) {
		t.Errorf("got %v, want a failed verification", err)
	}
}

func testPgLoopClosed(t *testing.T, e *pgEnv, _ *private.Postgres) {
	c := e.conn()
	if _, err := c.Exec(bg, "LISTEN nothing"); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() {
		_, err := c.WaitForNotification(bg)
		ended <- err
	}()
	query, _ := e.sleeping(bg)
	e.cut = true // the callback of the query is lost
	if err := e.l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := await(t, ended); !errors.Is(err, loop.ErrClosed) {
		t.Errorf("what waited: %v, want %v", err, loop.ErrClosed)
	}
	await(t, query.Done())
	if _, err := pgx.ConnectConfig(bg, e.pool.Config().ConnConfig); !errors.Is(err, loop.ErrClosed) {
		t.Errorf("a new connection: %v, want %v", err, loop.ErrClosed)
	}
}
