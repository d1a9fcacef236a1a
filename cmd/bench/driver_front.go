package main

import (
	"context"
	"fmt"
	"runtime"
	"strconv"
	"time"

	"github.com/panjf2000/ants/v2"

	"github.com/valet-go/valet/adapter"
	"github.com/valet-go/valet/backends/mysql"
	"github.com/valet-go/valet/loop"
)

// frontEnds are servers whose every request asks MySQL for one row by its key.
// What is measured is the server, in a process of its own; its -inflight clients
// are another process, and MariaDB a third one. fronts are the paths: what speaks
// p to the clients, and how it asks the database. They are named in the order of
// names.
func frontEnds(p protocol, standard string, names []string, fronts map[string]front) measure {
	return measure{
		peer:     mysqlDriver{},
		paths:    names,
		uses:     []string{"conns", "inflight", "duration", "warmup", "addr", "context", "cpuprofile"},
		defaults: map[string]string{"path": standard, "conns": "16", "inflight": "256"},
		unit:     "request",
		columns:  []figure{perSecond("requests/s"), cpuPer("request", "%.2f"), p50, p99, allocsPer("request"), rss},
		ratios:   []figure{perSecond("requests/s"), cpuPer("request", "%.2f")},
		about: func(_ config, c cell) string {
			return fmt.Sprintf("%d clients, %d connections to the database", c.inflight, c.conns)
		},
		run: func(ctx context.Context, sp spec) (sample, error) { return runFront(ctx, sp, p, fronts[sp.Path]) },
	}
}

// front starts a server, which serves until the process ends, and returns where.
type front func(ctx context.Context, sp spec) (addr string, err error)

var (
	lineFronts = map[string]front{"evio": evioFront, "valet": evioloopFront}
	httpFronts = map[string]front{"nethttp": netHTTPFront, "gnet": gnetFront, "valet": httpFront, "evioloop": httpEvioFront}

	lineNames = []string{"evio", "valet"}
	httpNames = []string{"nethttp", "gnet", "valet", "evioloop"}

	frontLabels = map[string]string{
		"evio": "worker pool (ants)", "valet": "Valet: callbacks",
		"evio@1": "pool, GOMAXPROCS=1", "valet@1": "Valet, GOMAXPROCS=1",
		"requests/s": requestsLabel, "CPU µs/request": cpuLabel,
	}
	httpLabels = map[string]string{
		"nethttp": "net/http, goroutines", "gnet": "gnet, worker pool", "valet": "Valet, one loop", "evioloop": "Valet on evio",
		"requests/s": requestsLabel, "CPU µs/request": cpuLabel,
	}
)

const (
	requestsLabel = "Requests per second (more is better)"
	cpuLabel      = "The server’s CPU for a request, in µs (less is better)"
)

// runFront measures a server in this process.
func runFront(ctx context.Context, sp spec, p protocol, serve front) (sample, error) {
	addr, err := serve(ctx, sp)
	if err != nil {
		return sample{}, err
	}
	load, err := startSelf(ctx, roleClients, clientsSpec{addr, p, sp.Inflight, sp.Warmup, sp.Duration}, nil)
	if err != nil {
		return sample{}, err
	}
	defer load.stop()
	if err := load.receive(ctx, new(windowStarts)); err != nil {
		return sample{}, err
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	stopProfile, err := profileCPU(sp.Profile)
	if err != nil {
		return sample{}, err
	}
	start, cpu := time.Now(), cpuTime()
	err = load.receive(ctx, new(windowEnds))
	w := window{wall: time.Since(start), cpu: cpuTime() - cpu}
	stopProfile()
	if err != nil {
		return sample{}, err
	}
	runtime.ReadMemStats(&after)
	var seen sample // by the clients
	if err := load.receive(ctx, &seen); err != nil {
		return sample{}, err
	}
	// The two processes' windows differ by the time that a message takes, so
	// what counts is the rate.
	w.ops = uint64(seen.OpsPerSec * w.wall.Seconds())
	w.mallocs, w.mallocsOps = after.Mallocs-before.Mallocs, w.ops
	if cpu < 0 {
		w.cpu = -1
	}
	s := w.sample()
	s.P50, s.P99 = seen.P50, seen.P99
	return s, nil
}

// asking starts to read the value of a key; cb runs on exec.
type asking func(ctx context.Context, exec loop.Executor, key int, cb func(v string, err error))

// valetMySQL is how servers on Valet ask: by backends/mysql, whose connections are
// on a loop of their own, or of the server's.
func valetMySQL(ctx context.Context, sp spec) (*loop.Loop, asking, error) {
	l, err := loop.Start(ctx)
	if err != nil {
		return nil, nil, err
	}
	cfg, err := mysqlDriver{}.config(sp.Target)
	if err != nil {
		return nil, nil, err
	}
	cfg.DBName = mysqlDatabase
	policy := adapter.Abandon
	if sp.perRequest() {
		policy = adapter.Close
	}
	db, err := mysql.Open(adapter.New(l), cfg.FormatDSN(), mysql.WithMaxConns(sp.Conns), mysql.WithCalls(adapter.WithCancel(policy)))
	if err != nil {
		return nil, nil, err
	}
	stmt, err := adapter.Wait(func(cb func(*mysql.Stmt, error)) { db.Prepare(ctx, mysqlQuery, cb) })
	if err != nil {
		return nil, nil, err
	}
	return l, func(ctx context.Context, exec loop.Executor, key int, cb func(string, error)) {
		stmt.On(exec).QueryRow(ctx, func(row *mysql.Row, err error) {
			var v string
			if err == nil {
				err = row.Scan(&v)
			}
			cb(v, err)
		}, key)
	}, nil
}

// nativeMySQL is how the others ask: by read of the session, which blocks.
func nativeMySQL(ctx context.Context, sp spec) (*session, error) {
	return mysqlDriver{}.open(ctx, sp.Target, sp, paths["native"].dialer(nil))
}

// pooledMySQL is how servers ask from an event loop without Valet: from workers,
// of which there are two for each client, as in path pool, so that the loop never
// waits for one.
func pooledMySQL(ctx context.Context, sp spec) (*session, *ants.Pool, error) {
	s, err := nativeMySQL(ctx, sp)
	if err != nil {
		return nil, nil, err
	}
	pool, err := ants.NewPool(2 * sp.Inflight)
	return s, pool, err
}

// keyOf is the key that a request has in decimal digits.
func keyOf(digits []byte) (int, error) {
	key, err := strconv.Atoi(string(digits))
	if err != nil || key < 0 || key >= keys {
		return 0, fmt.Errorf("there is no key %q", digits)
	}
	return key, nil
}
