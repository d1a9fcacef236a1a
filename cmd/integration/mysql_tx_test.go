package integration

import (
	"context"
	stdsql "database/sql"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/valet-go/valet/adapter"
	"github.com/valet-go/valet/backends/mysql"
)

func (e *mysqlEnv) tx() *mysql.Tx {
	e.t.Helper()
	return e.beginTx(bg).must()
}

func (e *mysqlEnv) txExec(tx *mysql.Tx, query string, args ...any) *pending[mysql.Result] {
	return begin(e.env, func(cb func(mysql.Result, error)) *adapter.Call { return tx.Exec(bg, query, cb, args...) })
}

func (e *mysqlEnv) commit(tx *mysql.Tx) *pending[struct{}] { return begin(e.env, void(tx.Commit)) }

func (e *mysqlEnv) rollback(tx *mysql.Tx) *pending[struct{}] { return begin(e.env, void(tx.Rollback)) }

func testTx(t *testing.T, e *mysqlEnv) {
	table := e.table("id INT PRIMARY KEY")
	tx := e.tx()
	e.txExec(tx, "INSERT INTO "+table+" VALUES (1)").must()
	if n := e.number("SELECT COUNT(*) FROM " + table); n != 0 {
		t.Errorf("%d rows are seen from outside before Commit", n)
	}
	if n := e.inUse(); n != 1 {
		t.Errorf("a transaction holds %d connections", n)
	}
	e.commit(tx).must()
	e.wantIdle()
	if n := e.number("SELECT COUNT(*) FROM " + table); n != 1 {
		t.Errorf("%d rows after Commit, want 1", n)
	}

	tx = e.tx()
	e.txExec(tx, "INSERT INTO "+table+" VALUES (2)").must()
	e.rollback(tx).must()
	e.wantIdle()
	if n := e.number("SELECT COUNT(*) FROM " + table); n != 1 {
		t.Errorf("%d rows after Rollback, want 1", n)
	}
	e.rollback(tx).failsWith(stdsql.ErrTxDone)
	e.commit(tx).failsWith(stdsql.ErrTxDone)
	e.txExec(tx, "INSERT INTO "+table+" VALUES (3)").failsWith(stdsql.ErrTxDone)
	e.wantIdle()
}

func testTxOrder(t *testing.T, e *mysqlEnv) {
	table := e.table("id INT PRIMARY KEY, s VARCHAR(500)")
	e.exec("INSERT INTO " + table + " VALUES (1, '')")
	tx := e.tx()
	var want []string
	var order []int // on the loop
	for i := range 40 {
		want = append(want, fmt.Sprint(i))
		begin(e.env, func(cb func(mysql.Result, error)) *adapter.Call {
			return tx.Exec(bg, "UPDATE "+table+" SET s = CONCAT(s, ?) WHERE id = 1", func(res mysql.Result, err error) {
				order = append(order, i)
				cb(res, err)
			}, fmt.Sprint(i, " "))
		})
	}
	last := begin(e.env, func(cb func(*mysql.Row, error)) *adapter.Call {
		return tx.QueryRow(bg, "SELECT s FROM "+table, cb)
	})
	e.commit(tx).must()
	var got string
	if err := last.must().Scan(&got); err != nil || strings.TrimSpace(got) != strings.Join(want, " ") {
		t.Errorf("the statements ran as %q, %v", got, err)
	}
	for i, n := range order {
		if i != n {
			t.Fatalf("the callbacks came as %v", order)
		}
	}
	e.wantIdle()
}

func testTxRows(t *testing.T, e *mysqlEnv) {
	table := e.numbers(300)
	tx := e.tx()
	query := func() *mysql.Rows {
		return must(e.env, func(cb func(*mysql.Rows, error)) *adapter.Call {
			return tx.Query(bg, "SELECT n, label FROM "+table+" ORDER BY n", cb)
		})
	}
	for _, read := range ways {
		e.wantNumbers(read(e, query()), 300)
	}
	e.closeRows(query())
	// Without waiting: the rows are closed before the statement starts.
	unread := query()
	closed := begin(e.env, void(unread.Close))
	e.txExec(tx, "DELETE FROM "+table+" WHERE n > 1").must()
	closed.must()

	stmt := must(e.env, func(cb func(*mysql.Stmt, error)) *adapter.Call {
		return tx.Prepare(bg, "SELECT label FROM "+table+" WHERE n = ?", cb)
	})
	row := must(e.env, func(cb func(*mysql.Row, error)) *adapter.Call { return stmt.QueryRow(bg, cb, 1) })
	var label string
	if err := row.Scan(&label); err != nil || label != "row 1" {
		t.Errorf("read %q, %v", label, err)
	}
	must(e.env, void(stmt.Close))
	begin(e.env, func(cb func(*mysql.Row, error)) *adapter.Call {
		return tx.QueryRow(bg, "SELECT n FROM "+table+" WHERE n > 1", cb)
	}).failsWith(mysql.ErrNoRows)
	if n := e.inUse(); n != 1 {
		t.Errorf("%d connections in use, want the transaction's", n)
	}
	e.rollback(tx).must()
	e.wantIdle()
}

func testManyTx(t *testing.T, e *mysqlEnv) {
	const conns = 4
	var names []string
	for range 2 * conns {
		// go-mysql-server loses what several transactions write to one table.
		names = append(names, e.table("id INT PRIMARY KEY"))
	}
	finished := make(chan error, len(names))
	for _, table := range names {
		e.db.BeginTx(bg, nil, func(tx *mysql.Tx, err error) {
			if err != nil {
				finished <- err
				return
			}
			tx.Exec(bg, "INSERT INTO "+table+" VALUES (1)", func(_ mysql.Result, err error) {
				if err != nil {
					tx.Rollback(func(error) { finished <- err })
					return
				}
				tx.Commit(func(err error) { finished <- err })
			})
		})
	}
	for range names {
		if err := await(t, finished); err != nil {
			t.Error(err)
		}
	}
	e.wantIdle()
	for _, table := range names {
		if n := e.number("SELECT COUNT(*) FROM " + table); n != 1 {
			t.Errorf("%d rows in %s, want 1", n, table)
		}
	}
}

func testBeginOutlivesContext(t *testing.T, e *mysqlEnv) {
	table := e.table("id INT PRIMARY KEY")
	for i := range 20 {
		ctx, cancel := context.WithCancel(bg)
		tx := e.beginTx(ctx).must()
		cancel() // a defer cancel() of a function that started a transaction
		e.txExec(tx, "INSERT INTO "+table+" VALUES (?)", i).must()
		e.commit(tx).must()
	}
	if n := e.number("SELECT COUNT(*) FROM " + table); n != 20 {
		t.Errorf("%d transactions were committed, want 20", n)
	}
	// Rows, too.
	ctx, cancel := context.WithCancel(bg)
	rows := e.beginQuery(ctx, "SELECT n, label FROM "+e.numbers(300)+" ORDER BY n").must()
	cancel()
	e.wantNumbers(e.nexts(rows), 300)
	e.wantIdle()
}

func testBeginWaitsForConnection(t *testing.T, e *mysqlEnv) {
	e = e.with(mysql.WithMaxConns(1))
	holder := e.tx()

	ended, cancel := context.WithCancel(bg)
	cancel()
	e.beginTx(ended).failsWith(context.Canceled)

	ctx, cancel := context.WithCancel(bg)
	waits := e.beginTx(ctx) // for the connection
	e.waitsForConn(1)
	queued := e.beginTx(ctx) // for the slot
	cancel()
	waits.failsWith(context.Canceled)
	queued.failsWith(context.Canceled)

	ctx, cancel = context.WithTimeout(bg, 1)
	defer cancel()
	e.beginTx(ctx).failsWith(context.DeadlineExceeded)

	if n := e.inUse(); n != 1 {
		t.Errorf("%d connections in use, want the holder's", n)
	}
	e.rollback(holder).must()
	e.wantIdle()

	// Ended while the transaction begins, at whatever moment.
	for range 50 {
		ctx, cancel := context.WithCancel(bg)
		p := e.beginTx(ctx)
		cancel()
		switch tx, err := p.wait(); {
		case err == nil:
			e.rollback(tx).must()
		case !errors.Is(err, context.Canceled):
			t.Errorf("got %v, want context.Canceled", err)
		}
	}
	eventually(t, "no connection in use", func() bool { return e.inUse() == 0 })
}

// waitsForConn waits until n bodies in all have had to wait for a connection.
func (e *mysqlEnv) waitsForConn(n int64) {
	e.t.Helper()
	eventually(e.t, "a body waits for a connection", func() bool { return e.db.Unwrap().Stats().WaitCount >= n })
}
