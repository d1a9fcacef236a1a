package integration

import (
	"context"
	"fmt"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/valet-go/valet/adapter"
	"github.com/valet-go/valet/backends/mongo"
	"github.com/valet-go/valet/cmd/internal/mongowire"
)

// wireEnv is a mongoEnv with a deployment of its own, which can do what FerretDB
// cannot: transactions, change streams, fail points, elections. When the test
// ends, no cursor, transaction or operation may be left on any member.
type wireEnv struct {
	*mongoEnv
	d        *mongowire.Deployment
	members  int
	watchers []*driver.Client // of the members, each over sockets of its own
	native   []*nativeDialer  // the watchers'
}

// nativeDialer counts what it dials.
type nativeDialer struct {
	net.Dialer
	dials atomic.Int64
}

func (d *nativeDialer) DialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	d.dials.Add(1)
	return d.Dialer.DialContext(ctx, network, addr)
}

// newWireEnv starts a standalone server, or the members of a replica set.
func newWireEnv(t testing.TB, members int) *wireEnv {
	t.Helper()
	return newWireEnvWith(t, mongowire.Options{Members: members})
}

func newWireEnvWith(t testing.TB, opts mongowire.Options) *wireEnv {
	t.Helper()
	d, err := mongowire.Start(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	w := &wireEnv{d: d, members: max(opts.Members, 1)}
	for i := range w.members {
		dialer := &nativeDialer{}
		c, err := driver.Connect(options.Client().ApplyURI("mongodb://" + d.Member(i).Addr() + "/?directConnection=true").SetDialer(dialer))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := c.Disconnect(bg); err != nil {
				t.Error(err)
			}
		})
		w.watchers, w.native = append(w.watchers, c), append(w.native, dialer)
	}
	w.mongoEnv = newMongoEnv(t, d.URI())
	t.Cleanup(w.wantNothingLeft)
	return w
}

// with returns an env with another client of the same deployment.
func (w *wireEnv) with(opts *options.ClientOptions, more ...mongo.Option) *wireEnv {
	w.t.Helper()
	own := *w
	e := *w.mongoEnv
	own.mongoEnv = &e
	own.client = w.connect(opts.ApplyURI(w.uri), more...)
	own.coll = own.client.Database("valet").Collection(w.coll.Name())
	return &own
}

// killSessions ends what clients have left on the servers, as time does.
func (w *wireEnv) killSessions() {
	w.t.Helper()
	for _, c := range w.watchers {
		if err := c.Database("admin").RunCommand(bg, bson.M{"killAllSessions": bson.A{}}).Err(); err != nil {
			w.t.Fatal(err)
		}
	}
}

// one is the options of a client with one connection for operations.
func one() *options.ClientOptions { return options.Client().SetMaxPoolSize(1) }

// appName is what fail points know clients by that are to be blocked, but not the
// tests' own.
const appName = "valet"

// killing returns an env with one connection, whose calls are killed.
func (w *wireEnv) killing() *wireEnv {
	return w.with(one().SetAppName(appName), mongo.WithCalls(adapter.WithCancel(adapter.Kill), adapter.WithGrace(patience)))
}

// status is what a member says of itself.
type status struct {
	Connections  struct{ Current int }
	Transactions struct{ CurrentOpen int }
	Metrics      struct {
		Cursor struct{ Open struct{ Total int } }
	}
}

func (w *wireEnv) status(member int) (s status) {
	w.t.Helper()
	err := w.watchers[member].Database("admin").RunCommand(bg, bson.M{"serverStatus": 1}).Decode(&s)
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

// cursors is how many are open on all members.
func (w *wireEnv) cursors() (n int) {
	w.t.Helper()
	for i := range w.watchers {
		n += w.status(i).Metrics.Cursor.Open.Total
	}
	return n
}

func (w *wireEnv) wantNothingLeft() {
	w.t.Helper()
	if w.t.Failed() {
		return
	}
	for i := range w.watchers {
		eventually(w.t, fmt.Sprintf("no cursor, transaction or operation left on member %d", i), func() bool {
			s := w.status(i)
			return s.Metrics.Cursor.Open.Total == 0 && s.Transactions.CurrentOpen == 0 && len(w.operations(i, bson.M{"command.hello": bson.M{"$exists": false}})) <= 1
		})
	}
}

// operation is one that a server runs.
type operation struct {
	OpID         int64 `bson:"opid"`
	ConnectionID int64 `bson:"connectionId"`
	Command      bson.Raw
}

// operations returns those of a member that match, and that which asks for them
// if it matches as well.
func (w *wireEnv) operations(member int, match any) (ops []operation) {
	w.t.Helper()
	cur, err := w.watchers[member].Database("admin").Aggregate(bg, bson.A{bson.M{"$currentOp": bson.M{}}, bson.M{"$match": match}})
	if err != nil {
		w.t.Fatal(err)
	}
	if err := cur.All(bg, &ops); err != nil {
		w.t.Fatal(err)
	}
	return ops
}

// running are the operations of a command on the env's collection, on all
// members.
func (w *wireEnv) running(command string) (ops []operation) {
	w.t.Helper()
	for i := range w.watchers {
		ops = append(ops, w.operations(i, bson.M{"ns": "valet." + w.coll.Name(), "command." + command: bson.M{"$exists": true}})...)
	}
	return ops
}

// block is how long a server is told to be idle where it must not be waited for.
const block = endless * time.Second

// fail sets the fail point of a member, which is data.
func (w *wireEnv) fail(member int, mode any, data bson.M) {
	w.t.Helper()
	err := w.watchers[member].Database("admin").RunCommand(bg, bson.D{
		{Key: "configureFailPoint", Value: "failCommand"}, {Key: "mode", Value: mode}, {Key: "data", Value: data},
	}).Err()
	if err != nil {
		w.t.Fatal(err)
	}
}

func times(n int) bson.M { return bson.M{"times": n} }

// primary is the number of the primary.
func (w *wireEnv) primary() int {
	w.t.Helper()
	var at int
	eventually(w.t, "there is a primary", func() bool {
		p := w.d.Primary()
		for at = range w.members {
			if w.d.Member(at) == p {
				return true
			}
		}
		return false
	})
	return at
}

// connection is the server's number of the connection that a client uses.
func (w *wireEnv) connection() int64 {
	w.t.Helper()
	var hello struct {
		ConnectionID int64 `bson:"connectionId"`
	}
	if err := w.beginCommand(bg, bson.M{"hello": 1}).must().Decode(&hello); err != nil || hello.ConnectionID == 0 {
		w.t.Fatalf("hello gave %+v, %v", hello, err)
	}
	return hello.ConnectionID
}

// findIn starts to find all documents, in their order.
func (w *wireEnv) findIn(ctx context.Context, opts ...options.Lister[options.FindOptions]) *pending[*mongo.Cursor] {
	return begin(w.env, func(cb func(*mongo.Cursor, error)) *adapter.Call {
		return w.coll.Find(ctx, bson.M{}, cb, opts...)
	})
}
