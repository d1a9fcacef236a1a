package embedded_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	driver "github.com/go-sql-driver/mysql"

	"github.com/valet-go/valet/cmd/internal/embedded"
)

func TestMySQLServesTheRawDriver(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	srv := startMySQL(t)
	db := openMySQL(t, srv.DSN())
	mustExec(ctx, t, db, "CREATE TABLE people (id INT PRIMARY KEY, name VARCHAR(50))")
	mustExec(ctx, t, db, "INSERT INTO people VALUES (?, ?), (?, ?)", 1, "Ada", 2, "Alan")
	mustExec(ctx, t, db, "UPDATE people SET name = ? WHERE id = ?", "Grace", 1)
	mustExec(ctx, t, db, "DELETE FROM people WHERE id = 2")
	var name string
	if err := db.QueryRowContext(ctx, "SELECT name FROM people").Scan(&name); err != nil || name != "Grace" {
		t.Fatalf("read %q, %v; want Grace", name, err)
	}
	if err := srv.Close(); err != nil { // with the pool still connected
		t.Fatal(err)
	}
	if err := srv.Close(); err != nil {
		t.Fatalf("second Close: %v", err)
	}
	requireClosed(t, srv.Addr())
}

func TestMySQLServesConcurrentReaders(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	db := openMySQL(t, startMySQL(t).DSN())
	mustExec(ctx, t, db, "CREATE TABLE n (id INT PRIMARY KEY)")
	mustExec(ctx, t, db, "INSERT INTO n VALUES (1), (2), (3)")
	const clients = 8
	counts, errs := make([]int, clients), make([]error, clients)
	var wg sync.WaitGroup
	for i := range clients {
		wg.Go(func() { errs[i] = db.QueryRowContext(ctx, "SELECT COUNT(*) FROM n").Scan(&counts[i]) })
	}
	wg.Wait()
	for i := range clients {
		if errs[i] != nil || counts[i] != 3 {
			t.Errorf("client %d counted %d, %v; want 3", i, counts[i], errs[i])
		}
	}
}

func TestMySQLChecksThePassword(t *testing.T) {
	srv := startMySQL(t, embedded.WithUser("valet", "secret"), embedded.WithDatabase("app"))
	for _, c := range []struct {
		user, password string
		code           uint16 // 0: let in
	}{
		{"valet", "secret", 0},
		{"valet", "wrong", 1045},
		{"valet", "", 1045},
		{"nobody", "secret", 2012},
	} {
		t.Run(fmt.Sprintf("%s with %q", c.user, c.password), func(t *testing.T) {
			err := openMySQL(t, srv.DSNFor(c.user, c.password)).PingContext(t.Context())
			var refused *driver.MySQLError
			switch {
			case c.code == 0 && err != nil:
				t.Fatalf("refused: %v", err)
			case c.code != 0 && (!errors.As(err, &refused) || refused.Number != c.code):
				t.Fatalf("got %v; want error %d", err, c.code)
			}
		})
	}
}

func startMySQL(t *testing.T, opts ...embedded.MySQLOption) *embedded.MySQL {
	t.Helper()
	srv, err := embedded.StartMySQL(opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { srv.Close() })
	return srv
}

func openMySQL(t *testing.T, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open("mysql", dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func mustExec(ctx context.Context, t *testing.T, db *sql.DB, query string, args ...any) {
	t.Helper()
	if _, err := db.ExecContext(ctx, query, args...); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}
