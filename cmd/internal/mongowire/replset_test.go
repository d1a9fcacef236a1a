package mongowire

import (
	"context"
	"errors"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/event"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readpref"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"
)

// connect makes one more client of d, closed at the test's end.
func connect(t testing.TB, uri string, opts ...*options.ClientOptions) *mongo.Client {
	t.Helper()
	client, err := mongo.Connect(append([]*options.ClientOptions{options.Client().ApplyURI(uri).SetHeartbeatInterval(heartbeat)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := client.Disconnect(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return client
}

// direct is a client of one member alone.
func direct(t testing.TB, m *Member, opts ...*options.ClientOptions) *mongo.Client {
	return connect(t, "mongodb://"+m.Addr()+"/?directConnection=true", opts...)
}

// secondaries are the members that are not the primary.
func secondaries(d *Deployment) []*Member {
	var all []*Member
	for _, m := range d.members {
		if m != d.Primary() {
			all = append(all, m)
		}
	}
	return all
}

// await returns when the member's role or data fulfil ok.
func await(t testing.TB, m *Member, ok func() bool) {
	t.Helper()
	late := time.After(20 * time.Second)
	for {
		m.mu.Lock()
		done, changed := ok(), m.changedLocked()
		m.mu.Unlock()
		if done {
			return
		}
		select {
		case <-changed:
		case <-late:
			t.Fatal("waited for 20 s")
		}
	}
}

// awaitPrimary returns the primary of a set that has or elects one.
func awaitPrimary(t testing.TB, d *Deployment) *Member {
	t.Helper()
	for _, m := range d.members {
		var leader *Member
		var alive bool
		m.mu.Lock()
		alive = m.alive
		m.mu.Unlock()
		if alive {
			await(t, m, func() bool { leader = m.leader; return leader != nil })
			return leader
		}
	}
	t.Fatal("no member is alive")
	return nil
}

func withID(id any) bson.D { return bson.D{{Key: "_id", Value: id}} }

func TestDiscovery(t *testing.T) {
	d, _ := start(t, Options{Members: 3})
	found := make(chan event.TopologyDescription, 100)
	// One seed is enough to find all.
	client := connect(t, "mongodb://"+d.Member(2).Addr()+"/?replicaSet=rs0", options.Client().SetServerMonitor(&event.ServerMonitor{
		TopologyDescriptionChanged: func(e *event.TopologyDescriptionChangedEvent) { found <- e.NewDescription },
	}))
	if err := client.Ping(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	for desc := range found {
		kinds := map[string]int{}
		for _, s := range desc.Servers {
			kinds[s.Kind]++
		}
		if kinds["RSPrimary"] == 1 && kinds["RSSecondary"] == 2 {
			break
		}
	}
}

func TestReadPreferences(t *testing.T) {
	d, client := start(t, Options{Members: 3})
	all := options.Collection().SetWriteConcern(&writeconcern.WriteConcern{W: 3})
	if _, err := client.Database("db").Collection("c", all).InsertOne(t.Context(), withID(1)); err != nil {
		t.Fatal(err)
	}
	secondary := options.Collection().SetReadPreference(readpref.Secondary())
	if err := client.Database("db").Collection("c", secondary).FindOne(t.Context(), withID(1)).Err(); err != nil {
		t.Errorf("a secondary does not have it: %v", err)
	}
	t.Run("a secondary is not read by mistake", func(t *testing.T) {
		cmd := bson.D{{Key: "find", Value: "c"}, {Key: "filter", Value: withID(1)}, {Key: "$readPreference", Value: bson.D{{Key: "mode", Value: "primary"}}}}
		err := direct(t, secondaries(d)[0]).Database("db").RunCommand(t.Context(), cmd).Err()
		failsWith(t, err, 13435)
	})
	t.Run("a secondary is not written to", func(t *testing.T) {
		_, err := direct(t, secondaries(d)[0]).Database("db").Collection("c").InsertOne(t.Context(), withID(2))
		failsWith(t, err, 10107)
		var e mongo.CommandError
		if errors.As(err, &e) && (!e.HasErrorLabel("RetryableWriteError") || e.Raw.Lookup("topologyVersion").Type == 0) {
			t.Errorf("the error is %v", e.Raw)
		}
	})
}

func failsWith(t testing.TB, err error, code int) {
	t.Helper()
	var e mongo.ServerError
	if !errors.As(err, &e) || !e.HasErrorCode(code) {
		t.Errorf("the error is %v, not one with the code %d", err, code)
	}
}

func TestWriteConcern(t *testing.T) {
	d, client := start(t, Options{Members: 3})
	coll := client.Database("db").Collection("c")
	with := func(w any) *mongo.Collection {
		return coll.Clone(options.Collection().SetWriteConcern(&writeconcern.WriteConcern{W: w}))
	}
	slow := secondaries(d)[0]
	slow.PauseReplication(true)
	if _, err := with("majority").InsertOne(t.Context(), withID("majority")); err != nil {
		t.Errorf("a majority without the paused one: %v", err)
	}
	cmd := bson.D{
		{Key: "insert", Value: "c"},
		{Key: "documents", Value: bson.A{withID("timeout")}},
		{Key: "writeConcern", Value: bson.D{{Key: "w", Value: 3}, {Key: "wtimeout", Value: 1}}},
	}
	failsWith(t, coll.Database().RunCommand(t.Context(), cmd).Err(), 64)
	_, err := with(4).InsertOne(t.Context(), withID("four"))
	failsWith(t, err, 100)

	done := make(chan error, 1)
	go func() {
		_, err := with(3).InsertOne(t.Context(), withID("all"))
		done <- err
	}()
	p := d.Primary()
	await(t, p, func() bool { return p.log[len(p.log)-1].kind == "insert" })
	select {
	case err := <-done:
		t.Fatalf("w: 3 ended with one member paused: %v", err)
	default:
	}
	slow.PauseReplication(false)
	if err := <-done; err != nil {
		t.Errorf("w: 3 after the pause: %v", err)
	}
}
