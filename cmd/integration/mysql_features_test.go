package integration

import (
	stdsql "database/sql"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	gomysql "github.com/go-sql-driver/mysql"

	"github.com/valet-go/valet/adapter"
	"github.com/valet-go/valet/backends/mysql"
	"github.com/valet-go/valet/cmd/internal/private"
)

// TestMySQLFeatures has what the driver and MariaDB can do beyond plain
// statements.
func TestMySQLFeatures(t *testing.T) {
	srv := mysqlServer{dsn: private.RequireMariaDB(t).DSN(), real: true}
	for _, test := range []struct {
		name string
		run  func(*testing.T, *mysqlEnv)
	}{
		{"LOAD DATA LOCAL reads from a reader and a file", testLoadData},
		{"a transaction goes back to its savepoints", testSavepoints},
		{"isolation levels are those that were asked for", testIsolation},
		{"a read-only transaction refuses to write", testReadOnly},
		{"a compressed connection carries everything", testCompression},
		{"several statements run at once if that is allowed", testMultiStatements},
		{"arguments can be put into the text", testInterpolation},
		{"a big result does not fill the memory", testBigResult},
		{"a result without an end can be closed", testCloseEndless},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, newMySQLEnv(t, srv)) })
	}
}

// withDSN returns an env for the same server with parameters in its DSN.
func (e *mysqlEnv) withDSN(parameters string, opts ...mysql.Option) *mysqlEnv {
	e.t.Helper()
	joint := "?"
	if strings.Contains(e.dsn, "?") {
		joint = "&"
	}
	return newMySQLEnv(e.t, mysqlServer{dsn: e.dsn + joint + parameters, real: e.real}, opts...)
}

func testLoadData(t *testing.T, e *mysqlEnv) {
	const rows = 50_000
	lines := func() io.Reader {
		r, w := io.Pipe()
		go func() {
			for i := range rows {
				if _, err := fmt.Fprintf(w, "%d,row %d\n", i, i); err != nil {
					return
				}
			}
			w.Close()
		}()
		return r
	}
	name := fmt.Sprintf("lines%d", tables.Add(1))
	gomysql.RegisterReaderHandler(name, lines)
	defer gomysql.DeregisterReaderHandler(name)
	path := filepath.Join(t.TempDir(), "lines.csv")
	text, err := io.ReadAll(lines())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	gomysql.RegisterLocalFile(path)
	defer gomysql.DeregisterLocalFile(path)
	for _, from := range []string{"Reader::" + name, path} {
		table := e.table("n INT PRIMARY KEY, label VARCHAR(20)")
		res := e.exec("LOAD DATA LOCAL INFILE '" + from + "' INTO TABLE " + table + " FIELDS TERMINATED BY ','")
		if n, err := res.RowsAffected(); n != rows || err != nil {
			t.Errorf("from %s: %d rows, %v; want %d", from, n, err, rows)
		}
		if n := e.number("SELECT COUNT(*) FROM " + table + " WHERE label = CONCAT('row ', n)"); n != rows {
			t.Errorf("from %s: %d rows are right", from, n)
		}
	}
	// One that the program did not allow.
	table := e.table("n INT")
	e.beginExec(bg, "LOAD DATA LOCAL INFILE '/etc/hostname' INTO TABLE "+table).fails()
	e.number("SELECT 1")
	e.wantIdle()
}

func testSavepoints(t *testing.T, e *mysqlEnv) {
	table := e.table("id INT PRIMARY KEY")
	tx := e.tx()
	for i, statement := range []string{
		"INSERT INTO " + table + " VALUES (1)",
		"SAVEPOINT one",
		"INSERT INTO " + table + " VALUES (2)",
		"SAVEPOINT two",
		"INSERT INTO " + table + " VALUES (3)",
		"ROLLBACK TO two",
		"INSERT INTO " + table + " VALUES (4)",
		"RELEASE SAVEPOINT one",
	} {
		if _, err := e.txExec(tx, statement).wait(); err != nil {
			t.Fatalf("statement %d: %v", i, err)
		}
	}
	e.txExec(tx, "ROLLBACK TO two").fails() // released with the one before it
	e.commit(tx).must()
	ids := must(e.env, func(cb func([]int, error)) *adapter.Call {
		return mysql.All(bg, e.db, "SELECT id FROM "+table+" ORDER BY id", 0, cb)
	})
	if fmt.Sprint(ids) != "[1 2 4]" {
		t.Errorf("the rows are %v, want [1 2 4]", ids)
	}
}

func (e *mysqlEnv) txWith(opts *mysql.TxOptions) *mysql.Tx {
	e.t.Helper()
	return must(e.env, func(cb func(*mysql.Tx, error)) *adapter.Call { return e.db.BeginTx(bg, opts, cb) })
}

func testIsolation(t *testing.T, e *mysqlEnv) {
	for _, test := range []struct {
		level                stdsql.IsolationLevel
		before, dirty, after int // rows that the reader sees: at first, written, committed
	}{
		{stdsql.LevelReadUncommitted, 1, 2, 2},
		{stdsql.LevelReadCommitted, 1, 1, 2},
		{stdsql.LevelRepeatableRead, 1, 1, 1},
		{stdsql.LevelDefault, 1, 1, 1},
	} {
		table := e.table("id INT PRIMARY KEY")
		e.exec("INSERT INTO " + table + " VALUES (1)")
		reader, writer := e.txWith(&mysql.TxOptions{Isolation: test.level}), e.tx()
		see := func() int {
			return must(e.env, func(cb func(int, error)) *adapter.Call {
				return mysql.Get(bg, reader, "SELECT COUNT(*) FROM "+table, cb)
			})
		}
		before := see()
		e.txExec(writer, "INSERT INTO "+table+" VALUES (2)").must()
		dirty := see()
		e.commit(writer).must()
		after := see()
		if before != test.before || dirty != test.dirty || after != test.after {
			t.Errorf("%v: saw %d, %d, %d rows, want %d, %d, %d", test.level, before, dirty, after, test.before, test.dirty, test.after)
		}
		e.rollback(reader).must()
	}
	// Serializable: what is read is locked against others.
	table := e.table("id INT PRIMARY KEY")
	reader := e.txWith(&mysql.TxOptions{Isolation: stdsql.LevelSerializable})
	must(e.env, func(cb func(int, error)) *adapter.Call {
		return mysql.Get(bg, reader, "SELECT COUNT(*) FROM "+table, cb)
	})
	writer := e.tx()
	e.txExec(writer, "SET innodb_lock_wait_timeout = 1").must()
	if err := e.txExec(writer, "INSERT INTO "+table+" VALUES (2)").fails(); !strings.Contains(err.Error(), "Lock wait timeout") {
		t.Errorf("got %v, want that it waited for the lock", err)
	}
	e.rollback(writer).must()
	e.rollback(reader).must()
	begin(e.env, func(cb func(*mysql.Tx, error)) *adapter.Call {
		return e.db.BeginTx(bg, &mysql.TxOptions{Isolation: stdsql.LevelLinearizable}, cb)
	}).fails() // MySQL has no such level
	e.wantIdle()
}

func testReadOnly(t *testing.T, e *mysqlEnv) {
	table := e.table("id INT PRIMARY KEY")
	tx := e.txWith(&mysql.TxOptions{ReadOnly: true})
	if err := e.txExec(tx, "INSERT INTO "+table+" VALUES (1)").fails(); !strings.Contains(err.Error(), "READ ONLY") {
		t.Errorf("got %v", err)
	}
	e.rollback(tx).must()
	e.exec("INSERT INTO " + table + " VALUES (1)")
}

func testCompression(t *testing.T, e *mysqlEnv) {
	e = e.withDSN("compress=true", mysql.WithMaxConns(2), mysql.WithCalls(adapter.WithCancel(adapter.Kill), adapter.WithGrace(patience)))
	row := e.beginRow(bg, "SHOW SESSION STATUS LIKE 'Compression'").must()
	var name, on string
	if err := row.Scan(&name, &on); err != nil || on != "ON" {
		t.Fatalf("compression is %q, %v", on, err)
	}
	table := e.numbers(1000)
	for _, read := range ways {
		e.wantNumbers(read(e, e.query("SELECT n, label FROM "+table+" ORDER BY n")), 1000)
	}
	big := strings.Repeat("compressible ", 500_000)
	if n := e.number("SELECT LENGTH(?)", big); n != len(big) {
		t.Errorf("%d bytes arrived, want %d", n, len(big))
	}
	got := must(e.env, func(cb func(string, error)) *adapter.Call {
		return mysql.Get(bg, e.db, "SELECT REPEAT('compressible ', 500000)", cb)
	})
	if got != big {
		t.Errorf("%d other bytes came back", len(got))
	}
	query, mark := sleeper()
	p := e.beginRow(bg, query)
	e.wantKilled(mark, func() { p.Cancel() }, p)
	e.wantNumbers(e.nexts(e.query("SELECT n, label FROM "+table+" WHERE n < ? ORDER BY n", 7)), 7)
	e.wantIdle()
}

func testMultiStatements(t *testing.T, e *mysqlEnv) {
	table := e.table("id INT PRIMARY KEY")
	both := "INSERT INTO " + table + " VALUES (1); INSERT INTO " + table + " VALUES (2), (3)"
	e.beginExec(bg, both).fails()
	e = e.withDSN("multiStatements=true")
	if n, err := e.exec(both).RowsAffected(); n != 2 || err != nil { // of the last
		t.Errorf("%d rows affected, %v", n, err)
	}
	err := e.beginExec(bg, "INSERT INTO "+table+" VALUES (4); INSERT INTO "+table+" VALUES (4); DO 1").fails()
	if !strings.Contains(err.Error(), "Duplicate") {
		t.Errorf("the second statement: %v", err)
	}
	if n := e.number("SELECT COUNT(*) FROM " + table); n != 4 {
		t.Errorf("%d rows, want 4", n)
	}
}

func testInterpolation(t *testing.T, e *mysqlEnv) {
	e = e.withDSN("interpolateParams=true&parseTime=true", mysql.WithMaxConns(1))
	type mixed struct {
		I int64
		U uint64
		F float64
		S string
		B []byte
		N *string
	}
	got := must(e.env, func(cb func(mixed, error)) *adapter.Call {
		return mysql.Get(bg, e.db, "SELECT ? AS i, ? AS u, ? AS f, ? AS s, ? AS b, ? AS n", cb,
			-7, uint64(1<<63), 2.5, `O'Brien \ "quoted" ?`, []byte{0, '\'', 0xff}, nil)
	})
	if got.I != -7 || got.U != 1<<63 || got.F != 2.5 || got.S != `O'Brien \ "quoted" ?` || string(got.B) != "\x00'\xff" || got.N != nil {
		t.Errorf("got %+v", got)
	}
}

// testBigResult streams some 100 MB through a program that holds a batch or two.
func testBigResult(t *testing.T, e *mysqlEnv) {
	const rows, most = 200_000, 64 << 20
	table := e.numbers(1000)
	query := fmt.Sprintf("SELECT a.n, REPEAT('x', 500) AS text FROM %s a JOIN %s b ON b.n < %d", table, table, rows/1000)
	// What is garbage does not count, nor what pools keep until the collection after
	// next: other tests of this process may have left much.
	heap := func() uint64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	type numbered struct {
		N    int
		Text string
	}
	before := heap()
	var peak uint64
	for how, read := range map[string]func(item func(n int) error, done func(error)){
		"rows": func(item func(int) error, done func(error)) {
			e.query(query).Each(bg, func(*mysql.Row) error { return item(0) }, done)
		},
		"structs": func(item func(int) error, done func(error)) {
			mysql.Each(bg, e.db, query, func(numbered) error { return item(0) }, done)
		},
	} {
		seen := 0
		must(e.env, finish(func(done func(error)) {
			read(func(int) error {
				if seen++; seen%20_000 == 0 {
					peak = max(peak, heap())
				}
				return nil
			}, done)
		}))
		if seen != rows {
			t.Errorf("%s: %d rows, want %d", how, seen, rows)
		}
	}
	t.Logf("at most %d MB more than before", (max(peak, before)-before)>>20)
	if peak > before+most {
		t.Errorf("the heap grew from %d to %d MB", before>>20, peak>>20)
	}
	e.wantIdle()
}

// testCloseEndless closes rows of which there are far too many to read.
func testCloseEndless(t *testing.T, e *mysqlEnv) {
	table := e.numbers(1000)
	query := "SELECT a.n, REPEAT('x', 1000) FROM " + table + " a, " + table + " b, " + table + " c"
	for _, policy := range []adapter.CancelPolicy{adapter.Close, adapter.Kill} {
		e := e.with(mysql.WithMaxConns(1), mysql.WithCalls(adapter.WithCancel(policy)))
		id := e.number("SELECT CONNECTION_ID()")
		e.closeRows(e.query(query))
		if rows := e.collect(e.query(query), 300); len(rows) != 300 {
			t.Errorf("%v: %d rows, want 300", policy, len(rows))
		}
		all := must(e.env, func(cb func([]int, error)) *adapter.Call {
			return mysql.All(bg, e.db, "SELECT a.n FROM "+table+" a, "+table+" b, "+table+" c", 7, cb)
		})
		if len(all) != 7 {
			t.Errorf("%v: %d numbers, want 7", policy, len(all))
		}
		eventually(t, "no connection in use", func() bool { return e.inUse() == 0 })
		if now := e.number("SELECT CONNECTION_ID()"); (now == id) != (policy == adapter.Kill) {
			t.Errorf("%v: connection %d, and then %d", policy, id, now)
		}
		// A transaction's connection is not given up.
		if policy == adapter.Kill {
			tx := e.tx()
			rows := must(e.env, func(cb func(*mysql.Rows, error)) *adapter.Call { return tx.Query(bg, query, cb) })
			e.closeRows(rows)
			e.txExec(tx, "DO 1").must()
			e.commit(tx).must()
		}
	}
}
