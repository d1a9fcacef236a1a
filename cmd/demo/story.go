package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"
)

// stepsLimit is when steps are told to end; storyLimit is for those that do not
// listen.
const stepsLimit = storyLimit - 20*time.Second

// demonstrate is the demo from its servers to its end.
func demonstrate(ctx context.Context, cfg config, g *guard, out *report) (err error) {
	g.within(storyLimit)
	defer g.free()
	g.enter("starting the servers")
	fmt.Fprintf(out.w, "Valet: two blocking database drivers under callbacks on one event loop (%s, %s/%s, GOMAXPROCS %d)\n",
		runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.GOMAXPROCS(0))
	if cfg.once {
		out.section("The servers")
	}
	s, err := startServers(cfg, out)
	if err != nil {
		return err
	}
	d, err := newDemo(s, out)
	if err != nil {
		return errors.Join(err, s.stop())
	}
	defer func() {
		g.within(stopLimit)
		g.enter("stopping")
		began := time.Now()
		stopped := errors.Join(d.stop(), s.stop())
		if err == nil { // else calls of the broken step may be missing
			stopped = errors.Join(stopped, d.callbacks.verdict())
		}
		if stopped == nil {
			fmt.Fprintf(out.w, "\nStopped in %s: chat, calls, drivers, loop, servers.\n", ms(time.Since(began)))
			if !cfg.once && errors.Is(err, errInterrupted) {
				err = nil
			}
		}
		err = errors.Join(err, stopped)
	}()
	if !cfg.once {
		return d.serveChat(ctx, cfg, g)
	}
	began := time.Now()
	if err := d.tell(ctx, cfg, g); err != nil {
		return err
	}
	fmt.Fprintf(out.w, "\nAll of this held; it took %s.\n", ms(time.Since(began)))
	return nil
}

// errInterrupted says that the user did not want to hear the end.
var errInterrupted = errors.New("interrupted")

// tell goes through the story, step by step.
func (d *demo) tell(outer context.Context, cfg config, g *guard) error {
	ctx, cancel := context.WithTimeoutCause(outer, stepsLimit, fmt.Errorf("not done after %v", stepsLimit))
	defer cancel()
	for _, step := range []struct {
		title string
		run   func(context.Context) error
	}{
		{"The drivers, unmodified", d.drivers},
		{"One insert, step by step", d.oneInsert},
		{"Queries", d.queries},
		{"A cursor over several batches", d.cursor},
		{"A transaction", d.transaction},
		{fmt.Sprintf("%s queries at once, and the loop's heartbeat", thousands(int64(cfg.crowd))), func(ctx context.Context) error { return d.crowd(ctx, cfg.crowd) }},
		{"Errors, as callbacks get them", d.failures},
		{"A chat on evio, by long-polling", func(ctx context.Context) error { return d.chatSession(ctx, cfg.addr, cfg.listeners) }},
		{"The callbacks", d.verdict},
	} {
		d.out.section(step.title)
		g.enter(step.title)
		err := step.run(ctx)
		switch {
		case outer.Err() != nil:
			return fmt.Errorf("%s: %w", step.title, errInterrupted)
		case err != nil:
			return fmt.Errorf("%s: %w", step.title, err)
		}
	}
	return nil
}

// drivers shows what the drivers are, and connects them.
func (d *demo) drivers(ctx context.Context) error {
	rows := [][]string{}
	for _, path := range []string{"go.mongodb.org/mongo-driver/v2", "github.com/go-sql-driver/mysql"} {
		m := module(path)
		switch {
		case m == nil:
			return fmt.Errorf("the program does not know the version of %s; build it as a module", path)
		case m.Replace != nil:
			return fmt.Errorf("%s is replaced by %s %s, so nothing can be said of the published driver", path, m.Replace.Path, m.Replace.Version)
		case m.Sum == "":
			return fmt.Errorf("%s has no checksum in go.sum, so it may not be the published driver", path)
		}
		rows = append(rows, []string{m.Path, m.Version, m.Sum})
	}
	d.out.table(rows)
	d.out.line("as published: those are their checksums in go.sum, and no replace directive is in force")

	var mysqlTook, mongoTook time.Duration
	err := d.play(ctx, func(done func(error)) {
		began, left := time.Now(), 2
		connected := func(took *time.Duration) func(error) {
			return seenErr(d.w, func(err error) {
				*took = time.Since(began)
				if left--; err != nil || left == 0 {
					done(err)
				}
			})
		}
		d.db.Connect(ctx, connected(&mysqlTook))
		d.client.Connect(ctx, connected(&mongoTook))
	})
	if err != nil {
		return err
	}
	d.out.line("connected: MongoDB after %s, MySQL after %s", ms(mongoTook), ms(mysqlTook))
	if err := d.connections(); err != nil {
		return err
	}
	d.prepared = true
	return d.play(ctx, func(done func(error)) { d.prepare(ctx, done) })
}

// connections says what the drivers have dialled.
func (d *demo) connections() error {
	my, mo := d.mysqlDial, d.mongoDial
	if others := my.others.Load() + mo.others.Load(); others > 0 {
		return fmt.Errorf("%d connections are not *fakesock.Conn", others)
	}
	d.out.line("connections dialled so far: %d by MongoDB's driver, monitors included, %d by MySQL's; each a *fakesock.Conn",
		mo.fake.Load(), my.fake.Load())
	return nil
}

var dropTables = []string{
	"DROP TABLE IF EXISTS valet_demo_users",
	"DROP TABLE IF EXISTS valet_demo_accounts",
	"DROP TABLE IF EXISTS " + onceChat + "_users",
	"DROP TABLE IF EXISTS " + onceChat + "_rooms",
}

// users are those whom the demo knows.
var users = []struct{ id, name string }{
	{"ada", "Ada Lovelace"},
	{"grace", "Grace Hopper"},
	{"alan", "Alan Turing"},
	{"barbara", "Barbara Liskov"},
}

var createTables = []string{
	"CREATE TABLE valet_demo_users (id VARCHAR(20) PRIMARY KEY, name VARCHAR(50) NOT NULL, born INT NOT NULL)",
	"INSERT INTO valet_demo_users VALUES ('ada', 'Ada Lovelace', 1815), ('grace', 'Grace Hopper', 1906), " +
		"('alan', 'Alan Turing', 1912), ('barbara', 'Barbara Liskov', 1939)",
	"CREATE TABLE valet_demo_accounts (owner VARCHAR(20) PRIMARY KEY, balance INT NOT NULL)",
	"INSERT INTO valet_demo_accounts VALUES ('ada', 100), ('grace', 50)",
}

// prepare makes what the story needs, whatever an earlier one left. On the loop.
func (d *demo) prepare(ctx context.Context, done func(error)) {
	d.execAll(ctx, append(append([]string{}, dropTables...), createTables...), func(err error) {
		if err != nil {
			done(err)
			return
		}
		d.dropDatabase(ctx, storyDatabase, done)
	})
}

// verdict says where the callbacks of all steps ran. It is the last step.
func (d *demo) verdict(context.Context) error {
	if err := d.callbacks.verdict(); err != nil {
		return err
	}
	d.out.line("%s callbacks, all on the loop goroutine (goroutine %s), each exactly once",
		thousands(d.callbacks.came.Load()), d.w.home)
	d.out.line("each was checked as it ran, by the goroutine's number in its stack trace (the loop's by Loop.OnLoop as well)")
	return d.connections()
}
