package private_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/valet-go/valet/cmd/internal/private"
)

func TestPostgresKeepsItsDataOverARestart(t *testing.T) {
	srv := private.RequirePostgres(t)
	conn := connect(t, srv.DSN())
	for _, statement := range []string{
		"CREATE TABLE people (id INT PRIMARY KEY, name TEXT)",
		"INSERT INTO people VALUES (1, 'Ada')",
	} {
		if _, err := conn.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	addr, pid := srv.Addr(), srv.Pid()
	if err := srv.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	if srv.Addr() != addr || srv.Pid() == pid {
		t.Fatalf("restarted at %s, pid %d; want %s, another pid than %d", srv.Addr(), srv.Pid(), addr, pid)
	}
	var name string
	row := connect(t, srv.DSN()).QueryRow(t.Context(), "SELECT name FROM people")
	if err := row.Scan(&name); err != nil || name != "Ada" {
		t.Fatalf("read %q, %v; want Ada", name, err)
	}
	if err := srv.Close(); err != nil {
		t.Fatal(err)
	}
	requireRefused(t, srv.Addr())
}

// TestPostgresKilledWithABusyChild kills a server whose children would go on for
// some time without it, and keep a new one from the data.
func TestPostgresKilledWithABusyChild(t *testing.T) {
	srv := private.RequirePostgres(t)
	conn := connect(t, srv.DSN())
	ended := make(chan error, 1)
	go func() {
		_, err := conn.Exec(t.Context(), "SELECT count(*) FROM generate_series(1, 1000000000)")
		ended <- err
	}()
	waitForActivity(t, connect(t, srv.DSN()), "SELECT count(*) FROM generate_series%")
	srv.Kill()
	if err := <-ended; err == nil || !conn.IsClosed() {
		t.Fatalf("the query in the middle: %v", err)
	}
	if err := srv.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := connect(t, srv.DSN()).Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestPostgresPausesAndResumes(t *testing.T) {
	srv := private.RequirePostgres(t)
	conn := connect(t, srv.DSN())
	if err := srv.Pause(); errors.Is(err, errors.ErrUnsupported) {
		return // there is nothing to test on this system
	} else if err != nil {
		t.Fatal(err)
	}
	// The signal may still be on its way, so an answer may come, but not for ever.
	for paused := false; !paused; {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		paused = conn.Ping(ctx) != nil
		cancel()
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if conn, err := pgx.Connect(ctx, srv.DSN()); err == nil {
		conn.Close(ctx)
		t.Fatal("a stopped server takes connections")
	}
	if err := srv.Resume(); err != nil {
		t.Fatal(err)
	}
	if err := connect(t, srv.DSN()).Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	// One that is closed while it stands still is closed all the same.
	if err := srv.Pause(); err != nil {
		t.Fatal(err)
	}
	if err := srv.Close(); err != nil {
		t.Fatal(err)
	}
	requireRefused(t, srv.Addr())
}

func TestPostgresChecksThePassword(t *testing.T) {
	srv := private.RequirePostgres(t)
	conn, err := pgx.Connect(t.Context(), srv.DSNFor("wrong"))
	if err == nil {
		conn.Close(t.Context())
	}
	const invalidPassword = "28P01"
	if refused := (*pgconn.PgError)(nil); !errors.As(err, &refused) || refused.Code != invalidPassword {
		t.Fatalf("got %v; want the code %s", err, invalidPassword)
	}
}

func TestPostgresOffersTLS(t *testing.T) {
	srv := private.RequirePostgres(t)
	for dsn, want := range map[string]bool{srv.DSN(): false, srv.DSNWithTLS(): true} {
		var encrypted bool
		row := connect(t, dsn).QueryRow(t.Context(), "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
		if err := row.Scan(&encrypted); err != nil || encrypted != want {
			t.Errorf("%s: encrypted: %t, %v; want %t", dsn, encrypted, err, want)
		}
	}
}

func connect(t *testing.T, dsn string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) }) // fails if the server is gone
	return conn
}

// waitForActivity waits until the server runs a query that matches.
func waitForActivity(t *testing.T, conn *pgx.Conn, query string) {
	t.Helper()
	for n, deadline := 0, time.Now().Add(10*time.Second); n == 0; {
		row := conn.QueryRow(t.Context(),
			"SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE $1", query)
		if err := row.Scan(&n); err != nil {
			t.Fatal(err)
		}
		if time.Now().After(deadline) {
			t.Fatal("the server does not run it")
		}
	}
}
