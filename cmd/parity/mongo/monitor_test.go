package mongo

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/event"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

var monitorScenarios = []scenario{{name: "monitors are told the same", run: monitors}}

// told is what monitors were told. On the driver's side several goroutines tell
// it.
type told struct {
	mu       sync.Mutex // guards the others
	commands []string
	pool     map[string]int
	servers  map[string]bool
}

func (m *told) command(text string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.commands = append(m.commands, text)
}

func (m *told) server(what string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.servers[what] = true
}

// varying are the fields of commands that are others each time.
var varying = []string{"lsid", "$clusterTime", "txnNumber", "$db"}

// commandText is a command without what is another one each time.
func commandText(raw bson.Raw) string {
	var fields []string
	elements, _ := raw.Elements()
	for _, e := range elements {
		if !slices.Contains(varying, e.Key()) && e.Key() != "getMore" && e.Key() != "cursors" {
			fields = append(fields, e.String())
		}
	}
	return strings.Join(fields, " ")
}

func monitors(p *program) {
	m := &told{pool: map[string]int{}, servers: map[string]bool{}}
	opts := options.Client().ApplyURI(p.srv.uri).SetServerMonitoringMode(options.ServerMonitoringModePoll)
	p.watch(opts, &event.CommandMonitor{
		Started: func(_ context.Context, e *event.CommandStartedEvent) {
			m.command(e.DatabaseName + "." + e.CommandName + " " + commandText(e.Command))
		},
		Succeeded: func(_ context.Context, e *event.CommandSucceededEvent) { m.command(e.CommandName + " succeeded") },
		Failed: func(_ context.Context, e *event.CommandFailedEvent) {
			m.command(e.CommandName + " failed: " + e.Failure.Error())
		},
	}, &event.PoolMonitor{Event: func(e *event.PoolEvent) {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.pool[e.Type+" "+e.Reason]++
	}}, &event.ServerMonitor{
		ServerDescriptionChanged: func(e *event.ServerDescriptionChangedEvent) { m.server("description " + e.NewDescription.Kind) },
		ServerOpening:            func(*event.ServerOpeningEvent) { m.server("opening") },
		ServerClosed:             func(*event.ServerClosedEvent) { m.server("closed") },
		TopologyDescriptionChanged: func(e *event.TopologyDescriptionChangedEvent) {
			m.server("topology " + e.NewDescription.Kind)
		},
		TopologyOpening:          func(*event.TopologyOpeningEvent) { m.server("topology opening") },
		TopologyClosed:           func(*event.TopologyClosedEvent) { m.server("topology closed") },
		ServerHeartbeatStarted:   func(*event.ServerHeartbeatStartedEvent) { m.server("heartbeat started") },
		ServerHeartbeatSucceeded: func(*event.ServerHeartbeatSucceededEvent) { m.server("heartbeat succeeded") },
	})
	client := p.open(opts)
	c := p.must(p.must(client, "Database", p.name()), "Collection", "numbers")
	p.do(c, "InsertMany", bg, bson.A{doc("_id", 1), doc("_id", 2), doc("_id", 3)})
	p.do(c, "InsertOne", bg, doc("_id", 1))
	p.read(p.must(c, "Find", bg, doc(), byID().SetBatchSize(2).SetComment("watched")))
	cur := p.must(c, "Find", bg, doc(), byID().SetBatchSize(1))
	p.do(cur, "Close", bg)
	p.do(c, "Find", bg, doc("$noSuchOperator", 1))
	p.do(c, "DeleteMany", bg, doc())
	p.do(client, "Disconnect", bg)
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, command := range m.commands {
		if strings.Contains(command, ".killCursors ") {
			p.differs(bounded)
		}
		p.note("a command", p.normal(command))
	}
	for _, what := range slices.Sorted(maps.Keys(m.pool)) {
		p.note("the pool", what, m.pool[what])
	}
	p.note("the servers", slices.Sorted(maps.Keys(m.servers)))
}
