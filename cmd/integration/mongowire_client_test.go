package integration

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/event"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/valet-go/valet/adapter"
	"github.com/valet-go/valet/backends/mongo"
	"github.com/valet-go/valet/fakesock"
)

func TestMongoClient(t *testing.T) {
	for _, test := range []struct {
		name string
		run  func(*testing.T, *wireEnv)
	}{
		{"Connect asks only once", testMongoConnectOnce},
		{"Disconnect waits for what runs and what waits", testMongoDisconnectWaits},
		{"Disconnect gives up with its context", testMongoDisconnectPatience},
		{"a client of the driver's can be wrapped", testMongoNewClient},
		{"monitors run on the executor, in order", testMongoMonitors},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, newWireEnv(t, 1)) })
	}
}

func (w *wireEnv) connected(c *mongo.Client) *pending[struct{}] {
	return begin(w.env, void(func(cb func(error)) *adapter.Call { return c.Connect(bg, cb) }))
}

func testMongoConnectOnce(t *testing.T, w *wireEnv) {
	var seen commands
	own := w.with(options.Client().SetMonitor(seen.monitor()).SetServerSelectionTimeout(100 * time.Millisecond))
	w.fail(0, times(1), bson.M{"failCommands": bson.A{"ping"}, "errorCode": 8000})
	w.connected(own.client).fails()
	w.connected(own.client).must()
	sent := seen.sent.Load()
	w.connected(own.client).must()
	w.connected(own.client.On(w.l)).must()
	w.connected(own.client.Database("valet").Client()).must()
	if n := seen.sent.Load(); sent != 2 || n != sent {
		t.Errorf("%d commands were sent until Connect succeeded, want 2, and %d after that, want none", sent, n-sent)
	}
}

func testMongoDisconnectWaits(t *testing.T, w *wireEnv) {
	own := w.with(one())
	w.fail(0, times(1), bson.M{"failCommands": bson.A{"insert"}, "blockConnection": true, "blockTimeMS": 100})
	var calls []*pending[*mongo.InsertOneResult]
	for i := range 10 { // one runs, the others wait
		calls = append(calls, own.beginInsert(bg, numbered{ID: i}))
	}
	var order []string // on the loop
	for range 2 {
		own.client.Disconnect(bg, func(err error) { order = append(order, fmt.Sprint("disconnected ", err)) })
	}
	own.beginInsert(bg, numbered{ID: 10}).failsWith(adapter.ErrClosed)
	for _, c := range calls {
		c.must()
	}
	eventually(t, "both call back", func() bool {
		n := make(chan int, 1)
		if err := w.l.Post(func() { n <- len(order) }); err != nil {
			t.Fatal(err)
		}
		return await(t, n) == 2
	})
	// The driver's error, in whichever order.
	if fmt.Sprint(order) != fmt.Sprint([]string{"disconnected <nil>", "disconnected " + driver.ErrClientDisconnected.Error()}) &&
		fmt.Sprint(order) != fmt.Sprint([]string{"disconnected " + driver.ErrClientDisconnected.Error(), "disconnected <nil>"}) {
		t.Errorf("got %v", order)
	}
	w.connected(own.client).failsWith(adapter.ErrClosed)
	if n := w.count(); n != 10 {
		t.Errorf("%d documents, want 10", n)
	}
}

func testMongoDisconnectPatience(t *testing.T, w *wireEnv) {
	own := w.with(one())
	own.insertRange(0, 300)
	c := own.findIn(bg, hundreds()).must()
	w.fail(0, times(1), bson.M{"failCommands": bson.A{"getMore"}, "blockConnection": true, "blockTimeMS": block.Milliseconds()})
	own.next(c).must()
	runs := own.next(c)
	eventually(t, "the server is asked", func() bool { return len(w.running("getMore")) == 1 })
	waits := own.beginInsert(bg, numbered{ID: 1000}) // for the only connection
	behind := own.next(c)
	ctx, cancel := context.WithTimeout(bg, 50*time.Millisecond)
	defer cancel()
	begin(w.env, finish(func(cb func(error)) { own.client.Disconnect(ctx, cb) })).failsWith(context.DeadlineExceeded)
	runs.failsWith(adapter.ErrClosed)
	behind.failsWith(adapter.ErrClosed)
	waits.failsWith(adapter.ErrClosed)
	eventually(t, "the server has stopped", func() bool { return len(w.running("getMore")) == 0 })
	w.killSessions() // the driver could no longer tell the server
}

func testMongoNewClient(t *testing.T, w *wireEnv) {
	raw, err := driver.Connect(options.Client().ApplyURI(w.uri).SetDialer(&fakesock.Dialer{Loop: w.l}))
	if err != nil {
		t.Fatal(err)
	}
	backend := w.a.Backend("wrapped", adapter.WithSlots(2), adapter.WithCancel(adapter.Kill))
	client := mongo.NewClient(backend, raw)
	coll := client.Database("valet").Collection(w.coll.Name())
	w.connected(client).must()
	must(w.env, func(cb func(*mongo.InsertOneResult, error)) *adapter.Call {
		return coll.InsertOne(bg, numbered{ID: 1}, cb)
	})
	// It cannot be killed, so its connection is closed.
	w.fail(0, times(1), bson.M{"failCommands": bson.A{"find"}, "blockConnection": true, "blockTimeMS": block.Milliseconds()})
	p := begin(w.env, func(cb func(*mongo.SingleResult, error)) *adapter.Call { return coll.FindOne(bg, bson.M{}, cb) })
	eventually(t, "the server is asked", func() bool { return len(w.running("find")) == 1 })
	p.Cancel()
	p.failsWith(context.Canceled)
	eventually(t, "the server has stopped", func() bool { return len(w.running("find")) == 0 })
	if client.Unwrap() != raw || client.Adapter() != backend {
		t.Error("the client is not made of what it was made of")
	}
	must(w.env, finish(func(cb func(error)) { client.Disconnect(bg, cb) }))
	if err := raw.Ping(bg, nil); !errors.Is(err, driver.ErrClientDisconnected) {
		t.Errorf("the driver's client: %v", err)
	}
	w.connected(client).failsWith(adapter.ErrClosed)
}

func testMongoMonitors(t *testing.T, w *wireEnv) {
	l := startLoop(t)
	var off atomic.Int32 // not on the executor
	here := func() {
		if !l.OnLoop() {
			off.Add(1)
		}
	}
	var order []string // on l
	pool, opened, closed, heartbeats := map[string]int{}, 0, 0, 0
	own := w.with(one().
		SetMonitor(mongo.CommandMonitorOn(l, &event.CommandMonitor{
			Started: func(_ context.Context, e *event.CommandStartedEvent) {
				here()
				order = append(order, "> "+e.CommandName)
			},
			Succeeded: func(_ context.Context, e *event.CommandSucceededEvent) {
				here()
				order = append(order, "< "+e.CommandName)
			},
			Failed: func(_ context.Context, e *event.CommandFailedEvent) {
				here()
				order = append(order, "! "+e.CommandName)
			},
		})).
		SetPoolMonitor(mongo.PoolMonitorOn(l, &event.PoolMonitor{Event: func(e *event.PoolEvent) { here(); pool[e.Type]++ }})).
		SetServerMonitor(mongo.ServerMonitorOn(l, &event.ServerMonitor{
			ServerOpening:            func(*event.ServerOpeningEvent) { here(); opened++ },
			ServerClosed:             func(*event.ServerClosedEvent) { here(); closed++ },
			ServerHeartbeatSucceeded: func(*event.ServerHeartbeatSucceededEvent) { here(); heartbeats++ },
		})))
	own.beginInsert(bg, numbered{ID: 1}).must()
	own.beginInsert(bg, numbered{ID: 1}).fails() // an answer, though
	own.beginCommand(bg, bson.M{"nonsense": 1}).fails()
	must(w.env, finish(func(cb func(error)) { own.client.Disconnect(bg, cb) }))
	told := make(chan struct{})
	if err := l.Post(func() { close(told) }); err != nil {
		t.Fatal(err)
	}
	await(t, told)
	if got := fmt.Sprint(order); got != "[> insert < insert > insert < insert > nonsense ! nonsense > endSessions < endSessions]" {
		t.Errorf("the commands came as %v", got)
	}
	if pool[event.ConnectionCreated] == 0 || pool[event.ConnectionCheckedOut] != pool[event.ConnectionCheckedIn] || pool[event.ConnectionPoolClosed] != 1 {
		t.Errorf("the pool's events were %v", pool)
	}
	if opened != 1 || closed != 1 || heartbeats == 0 {
		t.Errorf("the server was opened %d times, closed %d times, and answered %d heartbeats", opened, closed, heartbeats)
	}
	if n := off.Load(); n != 0 {
		t.Errorf("%d events did not come on the executor", n)
	}
	l.Close()
	// What comes when the executor is closed is lost, and harms nobody.
	mongo.CommandMonitorOn(l, &event.CommandMonitor{Started: func(context.Context, *event.CommandStartedEvent) { t.Error("an event came") }}).
		Started(bg, &event.CommandStartedEvent{})
}
