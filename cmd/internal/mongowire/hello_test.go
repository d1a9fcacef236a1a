package mongowire

import (
	"sync/atomic"
	"testing"

	"go.mongodb.org/mongo-driver/v2/event"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

func TestHelloStreams(t *testing.T) {
	d, _ := start(t, Options{Members: 3})
	var done atomic.Bool // what Disconnect interrupts does not count
	awaited := make(chan *event.ServerHeartbeatSucceededEvent, 100)
	client := connect(t, d.URI(), options.Client().SetServerMonitor(&event.ServerMonitor{
		ServerHeartbeatSucceeded: func(e *event.ServerHeartbeatSucceededEvent) {
			if e.Awaited {
				awaited <- e
			}
		},
		ServerHeartbeatFailed: func(e *event.ServerHeartbeatFailedEvent) {
			if !done.Load() {
				t.Errorf("a heartbeat failed: %v", e.Failure)
			}
		},
	}))
	if err := client.Ping(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		before := d.Primary()
		if err := d.StepDown(); err != nil {
			t.Fatal(err)
		}
		after := awaitPrimary(t, d)
		// Every member says so: it has no primary, it has another.
		for turned := map[string]bool{}; !turned[after.Addr()] || !turned[before.Addr()]; {
			e := <-awaited
			host := e.ConnectionID[:len(after.Addr())]
			turned[host] = turned[host] || (e.Reply.Kind == "RSPrimary") == (host == after.Addr())
		}
	}
	done.Store(true)
}

func TestCloseEndsStreams(t *testing.T) {
	d, _ := start(t, Options{Members: 3})
	// Its Disconnect looks for somebody to tell that its session has ended.
	client := connect(t, d.URI(), options.Client().SetServerSelectionTimeout(heartbeat))
	if err := client.Ping(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	for _, m := range d.members {
		m.mu.Lock()
		if len(m.conns) != 0 {
			t.Errorf("member %d has %d connections", m.index, len(m.conns))
		}
		m.mu.Unlock()
	}
}
