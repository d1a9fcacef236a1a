package integration

import (
	stdsql "database/sql"
	"errors"
	"testing"
	"time"

	driver "github.com/go-sql-driver/mysql"

	"github.com/valet-go/valet/adapter"
	"github.com/valet-go/valet/backends/mysql"
)

// person is what the tests of Get and its like read.
type person struct {
	ID    int64
	Name  string  `db:"full_name"`
	Email *string // NULL is nil
	Born  time.Time
	Score stdsql.NullFloat64
}

func testGet(t *testing.T, e *mysqlEnv) {
	dsn := dsnWith(t, e.dsn, func(c *driver.Config) { c.ParseTime = true })
	e = &mysqlEnv{e.env, e.mysqlServer, e.open(t, dsn, mysql.WithMaxConns(2))}
	table := e.table("id INT PRIMARY KEY, full_name VARCHAR(20), email VARCHAR(20), born DATE, score DECIMAL(5,2)")
	e.exec("INSERT INTO " + table + " VALUES (1, 'Ada', NULL, '1815-12-10', 9.75), (2, 'Alan', 'alan@x', '1912-06-23', NULL)")
	query := "SELECT * FROM " + table

	tx := e.tx()
	stmt := e.prepare(query + " WHERE id = ?")
	for name, get := range map[string]func(cb func(person, error)) *adapter.Call{
		"DB":   func(cb func(person, error)) *adapter.Call { return mysql.Get(bg, e.db, query+" WHERE id = ?", cb, 1) },
		"Tx":   func(cb func(person, error)) *adapter.Call { return mysql.Get(bg, tx, query+" WHERE id = 1", cb) },
		"Stmt": func(cb func(person, error)) *adapter.Call { return mysql.Get(bg, stmt, "", cb, 1) },
	} {
		p := must(e.env, get)
		if p.ID != 1 || p.Name != "Ada" || p.Email != nil || p.Born.Year() != 1815 || p.Score.Float64 != 9.75 {
			t.Errorf("of a %s: %+v", name, p)
		}
	}
	begin(e.env, func(cb func(person, error)) *adapter.Call {
		return mysql.Get(bg, e.db, query+" WHERE id = 3", cb)
	}).failsWith(mysql.ErrNoRows)
	begin(e.env, func(cb func(person, error)) *adapter.Call { return mysql.Get(bg, stmt, query, cb) }).fails()
	var server *mysql.MySQLError
	if err := begin(e.env, func(cb func(int, error)) *adapter.Call {
		return mysql.Get(bg, e.db, "SELEC 1", cb)
	}).fails(); !errors.As(err, &server) {
		t.Errorf("got %v, want the server's error", err)
	}

	all := must(e.env, func(cb func([]*person, error)) *adapter.Call {
		return mysql.All(bg, e.db, query+" ORDER BY id", 0, cb)
	})
	if len(all) != 2 || *all[1].Email != "alan@x" || all[1].Score.Valid {
		t.Errorf("All gave %+v", all)
	}
	names := must(e.env, func(cb func([]string, error)) *adapter.Call {
		return mysql.All(bg, tx, "SELECT full_name FROM "+table+" ORDER BY id", 1, cb)
	})
	if len(names) != 1 || names[0] != "Ada" {
		t.Errorf("names %q", names)
	}
	e.rollback(tx).must()
	must(e.env, void(stmt.Close))

	numbers := e.numbers(1000)
	sum := 0
	must(e.env, finish(func(cb func(error)) {
		mysql.Each(bg, e.db, "SELECT n FROM "+numbers+" WHERE n < ?", func(n int) error {
			if !e.l.OnLoop() {
				t.Error("an item did not come on the loop")
			}
			sum += n
			return nil
		}, cb, 900)
	}))
	if sum != 900*899/2 {
		t.Errorf("the sum is %d", sum)
	}
	e.wantIdle()
}
