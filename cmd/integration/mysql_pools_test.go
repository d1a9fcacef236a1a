package integration

import (
	"context"
	stdsql "database/sql"
	"errors"
	"strings"
	"testing"
	"time"

	gomysql "github.com/go-sql-driver/mysql"
	gormmysql "gorm.io/driver/mysql"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"github.com/valet-go/valet/adapter"
	"github.com/valet-go/valet/backends/mysql"
	"github.com/valet-go/valet/cmd/integration/internal/people"
	"github.com/valet-go/valet/cmd/internal/private"
)

// TestMySQLPools has others use the pool: what they do is a body of a call.
func TestMySQLPools(t *testing.T) {
	db := private.RequireMariaDB(t)
	srv := mysqlServer{dsn: dsnWith(t, db.DSN(), func(c *gomysql.Config) { c.ParseTime = true }), real: true}
	for _, test := range []struct {
		name string
		run  func(*testing.T, *mysqlEnv)
	}{
		{"GORM runs in bodies", testGORM},
		{"GORM is killed", testGORMKilled},
		{"GORM and callbacks share transactions and slots", testGORMShares},
		{"code of sqlc's runs in bodies", testSQLC},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, newMySQLEnv(t, srv).using()) })
	}
}

// using returns an env for a pool that was made without Open.
func (e *mysqlEnv) using() *mysqlEnv {
	e.t.Helper()
	cfg, err := gomysql.ParseDSN(e.dsn)
	if err != nil {
		e.t.Fatal(err)
	}
	connector, err := mysql.NewConnector(e.l, cfg)
	if err != nil {
		e.t.Fatal(err)
	}
	pool := stdsql.OpenDB(connector)
	pool.SetMaxOpenConns(2)
	db, err := mysql.Use(e.a, pool, mysql.WithMaxIdle(2), mysql.WithConnMaxLifetime(time.Hour),
		mysql.WithCalls(adapter.WithCancel(adapter.Kill), adapter.WithGrace(patience)))
	if err != nil {
		e.t.Fatal(err)
	}
	e.t.Cleanup(func() {
		if _, err := begin(e.env, finish(func(cb func(error)) { db.Close(bg, cb) })).wait(); err != nil {
			e.t.Errorf("closing the pool: %v", err)
		}
	})
	return &mysqlEnv{e.env, e.mysqlServer, db}
}

// body runs f with a context that ends as the call's does.
func body[T any](ctx context.Context, e *mysqlEnv, f func(context.Context) (T, error)) *pending[T] {
	return begin(e.env, func(cb func(T, error)) *adapter.Call { return adapter.Go(ctx, e.db.Adapter(), f, cb) })
}

// Member is a model of GORM's.
type Member struct {
	ID    uint
	Name  string `gorm:"size:50"`
	Email *string
	Born  time.Time
	Cats  []Cat
}

// Cat belongs to a Member.
type Cat struct {
	ID       uint
	MemberID uint
	Name     string
}

func (e *mysqlEnv) gorm() *gorm.DB {
	e.t.Helper()
	g, err := gorm.Open(gormmysql.New(gormmysql.Config{Conn: e.db.Unwrap()}), &gorm.Config{Logger: logger.Discard})
	if err != nil {
		e.t.Fatal(err)
	}
	return g
}

func testGORM(t *testing.T, e *mysqlEnv) {
	g := e.gorm()
	born := time.Date(1815, 12, 10, 0, 0, 0, 0, time.UTC)
	ada := body(bg, e, func(ctx context.Context) (*Member, error) {
		db := g.WithContext(ctx)
		if err := db.AutoMigrate(&Member{}, &Cat{}); err != nil {
			return nil, err
		}
		m := &Member{Name: "Ada", Born: born, Cats: []Cat{{Name: "Mrs. Puff"}, {Name: "Grey"}}}
		return m, db.Create(m).Error
	}).must()
	got := body(bg, e, func(ctx context.Context) (m Member, err error) {
		return m, g.WithContext(ctx).Preload("Cats").Where("name = ?", "Ada").First(&m).Error
	}).must()
	if got.ID != ada.ID || got.Email != nil || !got.Born.Equal(born) || len(got.Cats) != 2 {
		t.Errorf("read %+v", got)
	}
	body(bg, e, func(ctx context.Context) (m Member, err error) {
		return m, g.WithContext(ctx).First(&m, "name = ?", "Alan").Error
	}).failsWith(gorm.ErrRecordNotFound)

	// Rolled back by GORM, because the body fails.
	stop := errors.New("no more cats")
	body(bg, e, func(ctx context.Context) (struct{}, error) {
		return struct{}{}, g.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
			if err := tx.Create(&Cat{MemberID: ada.ID, Name: "Tom"}).Error; err != nil {
				return err
			}
			return stop
		})
	}).failsWith(stop)
	if n := e.number("SELECT COUNT(*) FROM cats"); n != 2 {
		t.Errorf("%d cats, want 2", n)
	}
	names := must(e.env, func(cb func([]string, error)) *adapter.Call {
		return mysql.All(bg, e.db, "SELECT name FROM cats ORDER BY name", 0, cb)
	})
	if strings.Join(names, ", ") != "Grey, Mrs. Puff" {
		t.Errorf("cats %q", names)
	}
	e.wantIdle()
}

func testGORMKilled(t *testing.T, e *mysqlEnv) {
	g := e.gorm()
	e.db.Unwrap().SetMaxOpenConns(1)
	id := e.number("SELECT CONNECTION_ID()")
	query, mark := sleeper()
	p := body(bg, e, func(ctx context.Context) (n int, err error) {
		return n, g.WithContext(ctx).Transaction(func(tx *gorm.DB) error { return tx.Raw(query).Scan(&n).Error })
	})
	e.wantKilled(mark, func() { p.Cancel() }, p)
	if now := e.number("SELECT CONNECTION_ID()"); now != id {
		t.Errorf("connection %d, want %d again", now, id)
	}
	e.wantIdle()
}

// testGORMShares runs GORM beside calls, far more than there are connections.
func testGORMShares(t *testing.T, e *mysqlEnv) {
	g := e.gorm()
	table := e.table("n INT")
	var all []interface{ mustEnd() }
	for i := range 40 {
		all = append(all,
			ender[struct{}]{body(bg, e, func(ctx context.Context) (struct{}, error) {
				return struct{}{}, g.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
					return tx.Exec("INSERT INTO "+table+" VALUES (?)", i).Error
				})
			})},
			ender[mysql.Result]{e.beginExec(bg, "INSERT INTO "+table+" VALUES (?)", i)})
	}
	for _, p := range all {
		p.mustEnd()
	}
	if n := e.number("SELECT COUNT(*) FROM " + table); n != 80 {
		t.Errorf("%d rows, want 80", n)
	}
	if s := e.db.Unwrap().Stats(); s.WaitCount != 0 {
		t.Errorf("%d bodies waited for a connection although they had a slot", s.WaitCount)
	}
}

// ender forgets the type of a result.
type ender[T any] struct{ p *pending[T] }

func (e ender[T]) mustEnd() { e.p.must() }

func testSQLC(t *testing.T, e *mysqlEnv) {
	for _, statement := range strings.Split(people.Schema, ";") {
		if strings.TrimSpace(statement) != "" {
			e.exec(statement)
		}
	}
	q := people.New(e.db.Unwrap())
	born := time.Date(1912, 6, 23, 1, 2, 3, 456000, time.UTC)
	id := body(bg, e, func(ctx context.Context) (int64, error) {
		res, err := q.CreatePerson(ctx, people.CreatePersonParams{Name: "Alan", Born: born})
		if err != nil {
			return 0, err
		}
		return res.LastInsertId()
	}).must()
	got := body(bg, e, func(ctx context.Context) (people.Person, error) { return q.GetPerson(ctx, uint64(id)) }).must()
	if got.Name != "Alan" || got.Email.Valid || !got.Born.Equal(born) || got.Balance != "0.00" {
		t.Errorf("read %+v", got)
	}
	body(bg, e, func(ctx context.Context) (people.Person, error) { return q.GetPerson(ctx, 99) }).failsWith(mysql.ErrNoRows)

	// A transaction in one body.
	moved := body(bg, e, func(ctx context.Context) (n int64, err error) {
		tx, err := e.db.Unwrap().BeginTx(ctx, nil)
		if err != nil {
			return 0, err
		}
		defer tx.Rollback()
		if n, err = q.WithTx(tx).MoveMoney(ctx, people.MoveMoneyParams{Amount: "12.50", ID: uint64(id)}); err != nil {
			return 0, err
		}
		return n, tx.Commit()
	}).must()
	all := body(bg, e, q.ListPeople).must()
	if moved != 1 || len(all) != 1 || all[0].Balance != "12.50" {
		t.Errorf("moved %d, and then %+v", moved, all)
	}

	// Killed while it waits for a lock.
	lock, err := e.raw(e.dsn).Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Rollback()
	if _, err := lock.ExecContext(bg, "UPDATE people SET name = 'A'"); err != nil {
		t.Fatal(err)
	}
	waits := body(bg, e, func(ctx context.Context) (int64, error) {
		return q.MoveMoney(ctx, people.MoveMoneyParams{Amount: "1", ID: uint64(id)})
	})
	watcher := e.raw(e.dsn)
	eventually(t, "the statement waits", func() bool { return e.states(watcher, "Updating", "MoveMoney") == 1 })
	waits.Cancel()
	waits.failsWith(context.Canceled)
	e.wantInterrupted(waits)
}
