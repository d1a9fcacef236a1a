package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// measure is what -driver names: something that is measured, on sides that are
// compared with each other.
type measure struct {
	peer
	paths    []string          // what -path may name
	uses     []string          // the flags that mean something to it, beside commonFlags
	defaults map[string]string // of the flags that it uses
	unit     string            // what is counted as an operation
	columns  []figure          // of the table
	ratios   []figure          // those with a table of ratios
	about    func(cfg config, c cell) string

	// title and labels are what a picture has instead of the names of the driver,
	// of sides, and of figures. draw makes it, if it is not one of bars.
	title  string
	labels map[string]string
	draw   func(m measure, cfg config, results []result) *picture

	// open says that each of -conns is a side of its own: they are compared
	// with each other in one cell, instead of making cells.
	open bool

	// descriptors is how many a connection takes in a process, if not one.
	descriptors func(path string) int

	// run measures one path, in a process of its own. together, which some
	// have instead, measures the paths one after another in the same process.
	run      func(ctx context.Context, sp spec) (sample, error)
	together func(ctx context.Context, sp spec, paths []string) ([]sample, error)
}

// peer is what is at the other end of the connections.
type peer interface {
	// serve starts a private server, in a process of its own.
	serve(ctx context.Context, env *environment) (*server, error)
	// prepare stores the values to be read, and returns what removes them.
	prepare(ctx context.Context, at target) (remove func(), err error)
}

// commonFlags mean something to every measure.
var commonFlags = []string{"driver", "path", "pairs", "procs", "json", "chart"}

var measures = map[string]measure{
	"redis": load(redisDriver{}),
	"mysql": load(mysqlDriver{}),
	"mongo": load(mongoDriver{}),
	"echo":  echo(),
	"open":  openConnections(),

	"bulk-in":  bulk(bulkDriver{in: true}),
	"bulk-out": bulk(bulkDriver{}),
	"memory":   idleMemory(),
	"post":     handOvers(),
	"queued":   queuedCalls(),
	"lag":      loopLag(),
	"rows":     manyRows(),
	"docs":     manyDocuments(),
	"poll":     waitingClients(),
	"state":    waysToStoreState(),
	"front":    frontEnds(lineProtocol, "evio,valet", lineNames, lineFronts).shownAs("The same MySQL driver, asked from a handler of evio’s", frontLabels),
	"http":     frontEnds(httpProtocol, "nethttp,gnet,valet", httpNames, httpFronts).shownAs("The same MySQL driver, asked from a handler of HTTP", httpLabels),
}

var driverNames = []string{"redis", "mysql", "mongo", "echo", "open", "bulk-in", "bulk-out", "memory", "post", "queued", "lag", "rows", "docs", "poll", "state", "front", "http"}

// shownAs sets what a picture says.
func (m measure) shownAs(title string, labels map[string]string) measure {
	m.title, m.labels = title, labels
	return m
}

// label is what a picture calls a side or a figure.
func (m measure) label(name string) string {
	if label, ok := m.labels[name]; ok {
		return label
	}
	return name
}

// load is a driver under the load of many small operations.
func load(d driver) measure {
	return measure{
		peer:     d,
		paths:    pathNames,
		uses:     []string{"conns", "inflight", "duration", "warmup", "addr", "tls", "tls-ca", "context", "cpuprofile"},
		defaults: map[string]string{"path": "native,valet", "conns": "64", "inflight": "64", "context": "endless"},
		unit:     "op",
		columns:  []figure{perSecond("ops/s"), cpuPer("op", "%.2f"), p50, p99, allocsPer("op"), rss},
		ratios:   []figure{perSecond("ops/s"), cpuPer("op", "%.2f")},
		about: func(_ config, c cell) string {
			return fmt.Sprintf("%d in flight, %d connections", c.inflight, c.conns)
		},
		run: func(ctx context.Context, sp spec) (sample, error) { return runLoad(ctx, d, sp) },
	}
}

// echo is load, with two more paths to compare with: an echo needs no driver.
func echo() measure {
	m := rawLoad()
	m.paths = append(append([]string(nil), pathNames...), "stream", "floor")
	goroutines := m.run
	m.run = func(ctx context.Context, sp spec) (sample, error) {
		switch sp.Path {
		case "stream":
			return runStreams(ctx, sp)
		case "floor":
			return runFloor(ctx, sp)
		}
		return goroutines(ctx, sp)
	}
	return m
}

// rawLoad is the load of a driver that knows no contexts.
func rawLoad() measure {
	m := load(echoDriver{})
	m.uses = slices.DeleteFunc(m.uses, func(flag string) bool { return flag == "context" })
	delete(m.defaults, "context")
	return m
}

// openConnections is an echo on some of the connections that are open: what
// the others cost.
func openConnections() measure {
	m := rawLoad()
	m.paths = socketPaths
	m.open = true
	m.defaults = map[string]string{"path": "native,sock", "conns": "100,10000", "inflight": "100"}
	m.about = func(_ config, c cell) string {
		return fmt.Sprintf("%d connections active", c.inflight)
	}
	return m
}

// socketPaths are the paths that differ in nothing but the connection.
var socketPaths = []string{"native", "sock"}

// used names the flags that mean something to a measure, for a message.
func (m measure) used() string {
	return "-" + strings.Join(append(append([]string(nil), commonFlags...), m.uses...), ", -")
}
