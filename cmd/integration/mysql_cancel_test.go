package integration

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/valet-go/valet/adapter"
	"github.com/valet-go/valet/backends/mysql"
)

// cancellable is a call of some kind that is to be cancelled.
type cancellable interface {
	Cancel() bool
	State() adapter.State
	failsWith(error)
}

// kinds start a call of each kind.
func (e *mysqlEnv) kinds(ctx context.Context, table string) map[string]func() cancellable {
	query := "SELECT n FROM " + table
	return map[string]func() cancellable{
		"Connect": func() cancellable {
			return begin(e.env, void(func(cb func(error)) *adapter.Call { return e.db.Connect(ctx, cb) }))
		},
		"Exec":     func() cancellable { return e.beginExec(ctx, "UPDATE "+table+" SET label = 'x' WHERE n = 1") },
		"Query":    func() cancellable { return e.beginQuery(ctx, query) },
		"small":    func() cancellable { return e.beginQuery(ctx, query+" WHERE n < 5") },
		"QueryRow": func() cancellable { return e.beginRow(ctx, query) },
		"Begin":    func() cancellable { return e.beginTx(ctx) },
		"Prepare": func() cancellable {
			return begin(e.env, func(cb func(*mysql.Stmt, error)) *adapter.Call { return e.db.Prepare(ctx, query, cb) })
		},
	}
}

// testCancelGivesBack cancels calls that wait for a connection. With the policy
// Abandon their bodies succeed afterwards.
func testCancelGivesBack(t *testing.T, e *mysqlEnv) {
	for _, policy := range []adapter.CancelPolicy{adapter.Close, adapter.Abandon} {
		t.Run(policy.String(), func(t *testing.T) { testCancelWith(t, e, policy) })
	}
}

func testCancelWith(t *testing.T, e *mysqlEnv, policy adapter.CancelPolicy) {
	table := e.numbers(300)
	for kind := range e.kinds(bg, table) {
		t.Run(kind, func(t *testing.T) {
			e := newMySQLEnv(t, e.mysqlServer, mysql.WithMaxConns(1), mysql.WithCalls(adapter.WithCancel(policy), adapter.WithAbandoned(1)))
			holder := e.tx()
			call := e.kinds(bg, table)[kind]()
			e.waitsForConn(1)
			if !call.Cancel() {
				t.Error("Cancel reports that the call had ended")
			}
			call.failsWith(context.Canceled)
			if call.Cancel() {
				t.Error("a second Cancel reports that it ended the call")
			}
			e.rollback(holder).must()
			// An abandoned body goes on, and its slot is free when it has
			// given everything back.
			e.number("SELECT 1")
			eventually(t, "nothing in use", func() bool { return e.inUse() == 0 })
		})
	}
}

func testEndedContext(t *testing.T, e *mysqlEnv) {
	table := e.numbers(10)
	cancelled, cancel := context.WithCancel(bg)
	cancel()
	late, cancel := context.WithTimeout(bg, -1)
	defer cancel()
	for want, ctx := range map[error]context.Context{context.Canceled: cancelled, context.DeadlineExceeded: late} {
		for _, call := range e.kinds(ctx, table) {
			call().failsWith(want)
		}
		rows := e.query("SELECT n FROM " + table)
		begin(e.env, func(cb func([]*mysql.Row, error)) *adapter.Call { return rows.Collect(ctx, 0, cb) }).failsWith(want)
		eventually(t, "the rows are closed", func() bool { return e.inUse() == 0 })
	}
}

func testOverload(t *testing.T, e *mysqlEnv) {
	e = e.with(mysql.WithMaxConns(1), mysql.WithQueue(2))
	tx := e.tx()
	first := e.beginRow(bg, "SELECT 1") // has the slot, and waits for the connection
	e.waitsForConn(1)
	second, third := e.beginRow(bg, "SELECT 2"), e.beginRow(bg, "SELECT 3")
	refused := e.beginRow(bg, "SELECT 4")
	refused.failsWith(adapter.ErrOverloaded)
	if refused.State() != adapter.Ended {
		t.Errorf("a refused call is %v", refused.State())
	}
	if err := refused.fails(); !strings.Contains(err.Error(), "mysql") {
		t.Errorf("%q does not name the backend", err)
	}
	// What holds the connection is not kept out.
	e.txExec(tx, "SET @x = 1").must()
	e.commit(tx).must()
	for i, p := range []*pending[*mysql.Row]{first, second, third} {
		var n int
		if err := p.must().Scan(&n); err != nil || n != i+1 {
			t.Errorf("call %d got %d, %v", i+1, n, err)
		}
	}
	e.number("SELECT 5")
	e.wantIdle()
}

func testPanickingBody(t *testing.T, e *mysqlEnv) {
	for range 2 * adapter.DefaultSlots { // it gives its slot back
		err := begin(e.env, func(cb func(int, error)) *adapter.Call {
			return adapter.Go(bg, e.a, func(ctx context.Context) (int, error) {
				var n int
				if err := e.db.Unwrap().QueryRowContext(ctx, "SELECT 1").Scan(&n); err != nil {
					return 0, err
				}
				panic("on purpose")
			}, cb)
		}).fails()
		var p *adapter.PanicError
		if !errors.As(err, &p) || p.Value != "on purpose" || !strings.Contains(string(p.Stack), "testPanickingBody") {
			t.Fatalf("got %v, want the panic with its stack", err)
		}
	}
	e.number("SELECT 1")
	e.wantIdle()
}

func testClose(t *testing.T, e *mysqlEnv) {
	e = e.with(mysql.WithMaxConns(1))
	tx := e.tx()
	running := e.beginRow(bg, "SELECT 1")
	e.waitsForConn(1)
	queued := e.beginRow(bg, "SELECT 2")
	closed := begin(e.env, finish(func(cb func(error)) { e.db.Close(bg, cb) }))
	eventually(t, "calls are refused", func() bool {
		_, err := e.beginRow(bg, "SELECT 3").withoutWaiting()
		return errors.Is(err, adapter.ErrClosed)
	})
	select {
	case <-closed.came:
		t.Error("Close did not wait")
	default:
	}
	e.commit(tx).must()
	running.must()
	queued.must()
	closed.must()
	if n := e.db.Unwrap().Stats().OpenConnections; n != 0 {
		t.Errorf("%d connections are open after Close", n)
	}
	e.beginRow(bg, "SELECT 4").failsWith(adapter.ErrClosed)
}

// withoutWaiting returns what has come after the callbacks posted so far.
func (p *pending[T]) withoutWaiting() (T, error) {
	passed := make(chan struct{})
	if err := p.e.l.Post(func() { close(passed) }); err != nil {
		p.e.t.Fatal(err)
	}
	await(p.e.t, passed)
	select {
	case <-p.came:
		return p.value, p.err
	default:
		var none T
		return none, nil
	}
}

func testCloseImpatient(t *testing.T, e *mysqlEnv) {
	e = e.with(mysql.WithMaxConns(1))
	tx := e.tx()
	running := e.beginRow(bg, "SELECT 1")
	e.waitsForConn(1)
	queued := e.beginRow(bg, "SELECT 2")
	ctx, cancel := context.WithCancel(bg)
	cancel()
	begin(e.env, finish(func(cb func(error)) { e.db.Close(ctx, cb) })).failsWith(context.Canceled)
	running.failsWith(adapter.ErrClosed)
	queued.failsWith(adapter.ErrClosed)
	e.rollback(tx).must() // what is held can still be given up
	eventually(t, "no connection is open", func() bool { return e.db.Unwrap().Stats().OpenConnections == 0 })
}
