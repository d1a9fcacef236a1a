package integration

import (
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/valet-go/valet/adapter"
	"github.com/valet-go/valet/backends/sql"
	"github.com/valet-go/valet/cmd/internal/private"
	"github.com/valet-go/valet/fakesock"
)

// Another driver of database/sql is a few lines.
func TestPostgresThroughDatabaseSQL(t *testing.T) {
	srv := private.RequirePostgres(t)
	e := newEnv(t)
	cfg, err := pgx.ParseConfig(srv.DSN())
	if err != nil {
		t.Fatal(err)
	}
	cfg.DialFunc = (&fakesock.Dialer{Loop: e.l}).DialContext
	pool := stdlib.OpenDB(*cfg)
	pool.SetMaxOpenConns(4)
	db := sql.New(e.a.Backend("postgres", adapter.WithSlots(4)), pool)
	defer func() {
		if err := adapter.WaitErr(func(cb func(error)) { db.Close(bg, cb) }); err != nil {
			t.Error(err)
		}
	}()

	exec := func(query string, args ...any) {
		begin(e, func(cb func(sql.Result, error)) *adapter.Call { return db.Exec(bg, query, cb, args...) }).must()
	}
	exec("CREATE TABLE planets (id INT PRIMARY KEY, name TEXT)")
	for i, name := range []string{"Mercury", "Venus", "Earth"} {
		exec("INSERT INTO planets VALUES ($1, $2)", i+1, name)
	}
	tx := begin(e, func(cb func(*sql.Tx, error)) *adapter.Call { return db.BeginTx(bg, nil, cb) }).must()
	begin(e, func(cb func(sql.Result, error)) *adapter.Call { return tx.Exec(bg, "DELETE FROM planets", cb) }).must()
	begin(e, void(tx.Rollback)).must()

	type planet struct {
		ID   int
		Name *string
	}
	got := begin(e, func(cb func([]planet, error)) *adapter.Call {
		return sql.All(bg, db, "SELECT id, name FROM planets ORDER BY id", 0, cb)
	}).must()
	if len(got) != 3 || got[2].ID != 3 || *got[2].Name != "Earth" {
		t.Errorf("read %+v", got)
	}
	one := begin(e, func(cb func(string, error)) *adapter.Call {
		return sql.Get(bg, db, "SELECT name FROM planets WHERE id = $1", cb, 2)
	}).must()
	if one != "Venus" {
		t.Errorf("read %q", one)
	}
}
