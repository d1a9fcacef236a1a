package mongowire

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/event"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// failing sets a fail point on a member, by a client of its own.
func failing(t testing.TB, m *Member, mode any, data bson.D) {
	t.Helper()
	cmd := bson.D{{Key: "configureFailPoint", Value: "failCommand"}, {Key: "mode", Value: mode}, {Key: "data", Value: data}}
	if err := direct(t, m).Database("admin").RunCommand(t.Context(), cmd).Err(); err != nil {
		t.Fatal(err)
	}
}

func times(n int) bson.D { return bson.D{{Key: "times", Value: n}} }

// attempts counts the commands that a client sends.
type attempts struct {
	mu sync.Mutex
	n  map[string]int
}

func (a *attempts) monitor() *options.ClientOptions {
	a.n = map[string]int{}
	return options.Client().SetMonitor(&event.CommandMonitor{Started: func(_ context.Context, e *event.CommandStartedEvent) {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.n[e.CommandName]++
	}})
}

func (a *attempts) of(name string) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.n[name]
}

func TestFailPoints(t *testing.T) {
	insert := bson.E{Key: "failCommands", Value: bson.A{"insert"}}
	for name, test := range map[string]struct {
		mode     any
		data     bson.D
		attempts int
		code     int // 0: it succeeds in the end
		labels   []string
		without  []string
	}{
		"a code after which a write is tried again": {
			mode: times(1), data: bson.D{insert, {Key: "errorCode", Value: 11602}}, attempts: 2,
		},
		"twice": {
			mode: times(2), data: bson.D{insert, {Key: "errorCode", Value: 91}}, attempts: 2,
			code: 91, labels: []string{"RetryableWriteError", "NoWritesPerformed"},
		},
		"always": {
			mode: "alwaysOn", data: bson.D{insert, {Key: "errorCode", Value: 91}}, attempts: 2,
			code: 91, labels: []string{"RetryableWriteError"},
		},
		"no labels": {
			mode: times(1), data: bson.D{insert, {Key: "errorCode", Value: 91}, {Key: "errorLabels", Value: bson.A{}}}, attempts: 1,
			code: 91, without: []string{"RetryableWriteError"},
		},
		"other labels": {
			mode: times(1), data: bson.D{insert, {Key: "errorCode", Value: 1234}, {Key: "errorLabels", Value: bson.A{"Mine"}}}, attempts: 1,
			code: 1234, labels: []string{"Mine"}, without: []string{"RetryableWriteError"},
		},
		"a code that ends it": {
			mode: times(1), data: bson.D{insert, {Key: "errorCode", Value: 8}}, attempts: 1,
			code: 8, without: []string{"RetryableWriteError"},
		},
		"a closed connection": {
			mode: times(1), data: bson.D{insert, {Key: "closeConnection", Value: true}}, attempts: 2,
		},
		"a write concern error": {
			mode: times(1), data: bson.D{insert, {Key: "writeConcernError", Value: bson.D{{Key: "code", Value: 100}, {Key: "errmsg", Value: "x"}}}},
			attempts: 1, code: 100,
		},
		"a write concern error after which a write is tried again": {
			mode: times(1), data: bson.D{insert, {Key: "writeConcernError", Value: bson.D{{Key: "code", Value: 189}, {Key: "errmsg", Value: "x"}}}},
			attempts: 2,
		},
		"another application": {
			mode: "alwaysOn", data: bson.D{insert, {Key: "errorCode", Value: 8}, {Key: "appName", Value: "other"}}, attempts: 1,
		},
		"this application": {
			mode: "alwaysOn", data: bson.D{insert, {Key: "errorCode", Value: 8}, {Key: "appName", Value: "this"}}, attempts: 1, code: 8,
		},
		"another command": {
			mode: "alwaysOn", data: bson.D{{Key: "failCommands", Value: bson.A{"find"}}, {Key: "errorCode", Value: 8}}, attempts: 1,
		},
		"off":      {mode: "off", data: bson.D{insert, {Key: "errorCode", Value: 8}}, attempts: 1},
		"skip one": {mode: bson.D{{Key: "skip", Value: 1}}, data: bson.D{insert, {Key: "errorCode", Value: 8}}, attempts: 1},
	} {
		t.Run(name, func(t *testing.T) {
			d, _ := start(t, Options{Members: 1})
			var sent attempts
			client := connect(t, d.URI(), sent.monitor(), options.Client().SetAppName("this"))
			failing(t, d.Primary(), test.mode, test.data)
			_, err := client.Database("db").Collection("c").InsertOne(t.Context(), withID("x"))
			if got := sent.of("insert"); got != test.attempts {
				t.Errorf("%d attempts", got)
			}
			var e mongo.ServerError
			switch {
			case test.code == 0 && err != nil:
				t.Error(err)
			case test.code != 0 && (!errors.As(err, &e) || !e.HasErrorCode(test.code)):
				t.Errorf("the error is %v", err)
			case test.code != 0:
				for _, label := range slices.Concat(test.labels, test.without) {
					if e.HasErrorLabel(label) != slices.Contains(test.labels, label) {
						t.Errorf("label %s: %v", label, e.HasErrorLabel(label))
					}
				}
			}
			applied := 1
			if test.code != 0 && test.code != 100 {
				applied = 0
			}
			if n := inserted(d.Primary())["x"]; n != applied {
				t.Errorf("it was applied %d times", n)
			}
		})
	}
	t.Run("skip one, then fail", func(t *testing.T) {
		d, client := start(t, Options{Members: 1})
		failing(t, d.Primary(), bson.D{{Key: "skip", Value: 1}}, bson.D{insert, {Key: "errorCode", Value: 8}})
		coll := client.Database("db").Collection("c")
		if _, err := coll.InsertOne(t.Context(), withID(1)); err != nil {
			t.Error(err)
		}
		_, err := coll.InsertOne(t.Context(), withID(2))
		failsWith(t, err, 8)
	})
	t.Run("an unknown one", func(t *testing.T) {
		_, client := start(t, Options{})
		cmd := bson.D{{Key: "configureFailPoint", Value: "other"}, {Key: "mode", Value: "off"}}
		failsWith(t, client.Database("admin").RunCommand(t.Context(), cmd).Err(), 2)
	})
}

// A handshake that fails belongs to the application that it names itself.
func TestFailPointOnHello(t *testing.T) {
	d, client := start(t, Options{})
	failing(t, d.Member(0), "alwaysOn", bson.D{
		{Key: "failCommands", Value: bson.A{"hello", "isMaster"}}, {Key: "closeConnection", Value: true}, {Key: "appName", Value: "unlucky"},
	})
	failed := make(chan struct{}, 100)
	connect(t, d.URI(), options.Client().SetAppName("unlucky").SetServerMonitor(&event.ServerMonitor{
		ServerHeartbeatFailed: func(*event.ServerHeartbeatFailedEvent) { failed <- struct{}{} },
	}))
	<-failed
	if err := client.Ping(t.Context(), nil); err != nil {
		t.Errorf("another application: %v", err)
	}
}

// blocked starts a find that a fail point blocks, and returns when the server
// executes it, with its operation's id and what it ends with.
func blocked(t *testing.T, d *Deployment, client *mongo.Client) (int64, <-chan error) {
	t.Helper()
	failing(t, d.Member(0), times(1), bson.D{
		{Key: "failCommands", Value: bson.A{"find"}}, {Key: "blockConnection", Value: true}, {Key: "blockTimeMS", Value: 600000},
	})
	done := make(chan error, 1)
	go func() { done <- client.Database("db").Collection("c").FindOne(context.Background(), withID(1)).Err() }()
	admin := direct(t, d.Member(0)).Database("admin")
	for {
		cursor, err := admin.Aggregate(t.Context(), mongo.Pipeline{
			{{Key: "$currentOp", Value: bson.D{{Key: "allUsers", Value: true}}}},
			{{Key: "$match", Value: bson.D{{Key: "ns", Value: "db.c"}, {Key: "active", Value: true}}}},
		})
		if err != nil {
			t.Fatal(err)
		}
		var ops []struct {
			OpID    int64 `bson:"opid"`
			AppName string
			Command struct{ Find string }
		}
		if err := cursor.All(t.Context(), &ops); err != nil {
			t.Fatal(err)
		}
		if len(ops) == 1 {
			if ops[0].Command.Find != "c" {
				t.Errorf("the operation is %+v", ops[0])
			}
			return ops[0].OpID, done
		}
	}
}

func TestBlockedFind(t *testing.T) {
	t.Run("killOp", func(t *testing.T) {
		d, client := start(t, Options{})
		op, done := blocked(t, d, client)
		cmd := bson.D{{Key: "killOp", Value: 1}, {Key: "op", Value: op}}
		if err := direct(t, d.Member(0)).Database("admin").RunCommand(t.Context(), cmd).Err(); err != nil {
			t.Fatal(err)
		}
		failsWith(t, <-done, 11601)
		// The connection is as good as before.
		if err := client.Database("db").Collection("c").FindOne(t.Context(), withID(1)).Err(); !errors.Is(err, mongo.ErrNoDocuments) {
			t.Error(err)
		}
	})
	t.Run("killAllSessions", func(t *testing.T) {
		d, client := start(t, Options{})
		_, done := blocked(t, d, client)
		cmd := bson.D{{Key: "killAllSessions", Value: bson.A{}}}
		if err := direct(t, d.Member(0)).Database("admin").RunCommand(t.Context(), cmd).Err(); err != nil {
			t.Fatal(err)
		}
		failsWith(t, <-done, 11601)
	})
	t.Run("Kill", func(t *testing.T) {
		d, client := start(t, Options{})
		_, done := blocked(t, d, client)
		d.Member(0).Kill()
		if err := d.Member(0).Restart(); err != nil {
			t.Fatal(err)
		}
		if err := <-done; err != nil && !mongo.IsNetworkError(err) && !errors.Is(err, mongo.ErrNoDocuments) {
			t.Errorf("the find ended with %v", err)
		}
	})
	t.Run("the client goes", func(t *testing.T) {
		d, _ := start(t, Options{})
		client, err := mongo.Connect(options.Client().ApplyURI(d.URI()).SetHeartbeatInterval(heartbeat))
		if err != nil {
			t.Fatal(err)
		}
		_, done := blocked(t, d, client)
		gone, cancel := context.WithCancel(t.Context())
		cancel() // Disconnect closes what is in use at once
		_ = client.Disconnect(gone)
		if <-done == nil {
			t.Error("the find succeeded")
		}
	})
}
