package parity

import "database/sql"

var lockScenarios = []scenario{
	{name: "a deadlock ends one of two transactions", run: lockDeadlock, embedded: "it has no row locks"},
	{name: "a lock is not waited for for ever", run: lockTimeout},
	{name: "a lock is waited for", run: lockWait, embedded: "it has no row locks"},
	{name: "a wait for a lock ends with its context", run: lockContext, embedded: "it has no row locks"},
	{name: "a full pool is waited for", run: lockPool},
}

// waiting waits until a transaction waits for a lock.
func (p *program) waiting() {
	p.t.Helper()
	// innodb_trx is renewed only if nobody looks for a while.
	p.until("SELECT variable_value FROM information_schema.global_status WHERE variable_name = 'INNODB_ROW_LOCK_CURRENT_WAITS'")
}

func (p *program) tx() any {
	p.t.Helper()
	return p.must(p.db, "BeginTx", bg, (*sql.TxOptions)(nil))
}

func lockDeadlock(p *program) {
	p.table("dead", "id INT PRIMARY KEY, n INT", "(1, 0), (2, 0), (3, 0), (4, 0)")
	heavy, light := p.tx(), p.tx()
	for _, id := range []int{1, 3, 4} { // who has changed most goes on; one by one, without a scan that locks all
		p.do(heavy, "ExecContext", bg, "UPDATE dead SET n = n + 1 WHERE id = ?", id)
	}
	p.do(light, "ExecContext", bg, "UPDATE dead SET n = n + 1 WHERE id = 2")
	wait := p.start(heavy, "ExecContext", bg, "UPDATE dead SET n = n + 1 WHERE id = 2")
	p.waiting()
	p.do(light, "ExecContext", bg, "UPDATE dead SET n = n + 1 WHERE id = 1")
	wait()
	p.do(light, "ExecContext", bg, "DO 1") // the connection is good
	p.do(light, "Rollback")
	p.do(heavy, "Commit")
	p.read(p.query("SELECT id, n FROM dead ORDER BY id"))
}

func lockTimeout(p *program) {
	p.table("slow", "id INT PRIMARY KEY, n INT", "(1, 0)")
	holder, other := p.tx(), p.tx()
	p.do(holder, "ExecContext", bg, "UPDATE slow SET n = 1")
	p.do(other, "ExecContext", bg, "SET SESSION innodb_lock_wait_timeout = 1")
	p.do(other, "ExecContext", bg, "UPDATE slow SET n = 2")
	p.consume(other, "SELECT n FROM slow FOR UPDATE NOWAIT")
	p.do(other, "ExecContext", bg, "SET SESSION innodb_lock_wait_timeout = 50")
	p.do(other, "Commit")
	p.do(holder, "Commit")
	p.read(p.query("SELECT n FROM slow"))
}

func lockWait(p *program) {
	p.table("waits", "id INT PRIMARY KEY, n INT", "(1, 0)")
	holder := p.tx()
	p.do(holder, "ExecContext", bg, "UPDATE waits SET n = 1")
	wait := p.start(p.db, "ExecContext", bg, "UPDATE waits SET n = n + 10")
	p.waiting()
	p.do(holder, "Commit")
	wait()
	p.read(p.query("SELECT n FROM waits"))
}

func lockContext(p *program) {
	p.table("ends", "id INT PRIMARY KEY, n INT", "(1, 0)")
	holder := p.tx()
	p.do(holder, "ExecContext", bg, "UPDATE ends SET n = 1")
	ctx, cancel := p.context()
	wait := p.start(p.db, "ExecContext", ctx, "UPDATE ends SET n = 2")
	p.waiting()
	cancel()
	wait()
	p.do(holder, "Commit")
}

func lockPool(p *program) {
	var held []any
	for range poolSize {
		held = append(held, p.must(p.db, "Conn", bg))
	}
	ctx, cancel := p.context()
	waits := []func() []any{
		p.start(p.db, "PingContext", ctx),
		p.start(p.db, "ExecContext", ctx, "DO 1"),
		p.start(p.db, "BeginTx", ctx, (*sql.TxOptions)(nil)),
		p.start(p.db, "Conn", ctx),
		p.start(p.db, "PrepareContext", ctx, "SELECT 1"),
	}
	eventually(p.t, "all wait", func() bool { return p.stats().WaitCount >= int64(len(waits)) })
	cancel()
	for _, wait := range waits {
		wait()
	}
	wait := p.start(p.db, "PingContext", bg)
	eventually(p.t, "one waits", func() bool { return p.stats().WaitCount > int64(len(waits)) })
	p.do(held[0], "Close")
	wait()
	for _, c := range held[1:] {
		p.do(c, "Close")
	}
	p.idle()
	p.do(p.db, "Stats")
}
