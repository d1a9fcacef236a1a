package integration

import (
	"fmt"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readpref"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"

	"github.com/valet-go/valet/adapter"
	"github.com/valet-go/valet/backends/mongo"
)

func TestMongoReplicaSet(t *testing.T) {
	for _, test := range []struct {
		name string
		run  func(*testing.T, *wireEnv)
	}{
		{"the members are found from any of them", testMongoSetDiscovery},
		{"a secondary is read from if it is preferred", testMongoSetSecondary},
		{"a write concern is waited for", testMongoSetConcern},
		{"every connection to every member is a fake socket", testMongoSetDials},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, newWireEnv(t, 3)) })
	}
}

func testMongoSetDiscovery(t *testing.T, w *wireEnv) {
	for i := range w.members {
		client := w.connect(options.Client().ApplyURI("mongodb://" + w.d.Member(i).Addr() + "/?replicaSet=rs0"))
		coll := client.Database("valet").Collection(w.coll.Name())
		must(w.env, func(cb func(*mongo.InsertOneResult, error)) *adapter.Call {
			return coll.InsertOne(bg, numbered{i, fmt.Sprint("document ", i)}, cb)
		})
	}
	if n := w.count(); n != 3 {
		t.Errorf("%d documents, want 3", n)
	}
	lost := w.connect(options.Client().ApplyURI("mongodb://" + w.d.Member(0).Addr() + "/?replicaSet=another").SetServerSelectionTimeout(100 * time.Millisecond))
	begin(w.env, void(func(cb func(error)) *adapter.Call { return lost.Connect(bg, cb) })).fails()
}

func testMongoSetSecondary(t *testing.T, w *wireEnv) {
	w.insertRange(0, 1)
	secondary := w.coll.Unwrap().Clone(options.Collection().SetReadPreference(readpref.Secondary()))
	coll := mongo.NewCollection(w.client.Adapter(), secondary)
	find := func(coll *mongo.Collection) *pending[*mongo.SingleResult] {
		return begin(w.env, func(cb func(*mongo.SingleResult, error)) *adapter.Call { return coll.FindOne(bg, bson.M{}, cb) })
	}
	eventually(t, "the secondaries have the document", func() bool {
		_, err := find(coll).wait()
		return err == nil
	})
	p := w.primary()
	w.fail(p, "alwaysOn", bson.M{"failCommands": bson.A{"find"}, "errorCode": 8000})
	for range 5 {
		find(coll).must()
		find(w.coll).fails()
	}
	w.fail(p, "off", bson.M{})
	for i := range w.members {
		if i != p {
			w.fail(i, "alwaysOn", bson.M{"failCommands": bson.A{"find"}, "errorCode": 8000})
		}
	}
	find(coll).fails()
	find(w.coll).must()
}

func testMongoSetConcern(t *testing.T, w *wireEnv) {
	w.insertRange(0, 1)
	p := w.primary()
	insert := func(id int, wc *writeconcern.WriteConcern) *pending[*mongo.InsertOneResult] {
		coll := mongo.NewCollection(w.client.Adapter(), w.coll.Unwrap().Clone(options.Collection().SetWriteConcern(wc)))
		return begin(w.env, func(cb func(*mongo.InsertOneResult, error)) *adapter.Call {
			return coll.InsertOne(bg, numbered{ID: id}, cb)
		})
	}
	for i := range w.members {
		if i != p {
			w.d.Member(i).PauseReplication(true)
		}
	}
	insert(1, writeconcern.W1()).must()
	majority := insert(2, writeconcern.Majority())
	all := insert(3, &writeconcern.WriteConcern{W: 3})
	eventually(t, "both wait", func() bool { return len(w.running("insert")) == 2 })
	for i := range w.members {
		if i != p {
			w.d.Member(i).PauseReplication(false)
			majority.must()
		}
	}
	all.must()
}

func testMongoSetDials(t *testing.T, w *wireEnv) {
	w.insertRange(0, 3)
	conns := func(addr string) (n int) {
		for _, c := range w.dialer.dialled() {
			if c.RemoteAddr().String() == addr {
				n++
			}
		}
		return n
	}
	for i := range w.members {
		addr := w.d.Member(i).Addr()
		eventually(t, "each member is watched over two connections", func() bool { return conns(addr) >= 2 }) // hello, and its round trip
		eventually(t, "a member has the connections that were dialled, and no other", func() bool {
			return w.status(i).Connections.Current == conns(addr)+int(w.native[i].dials.Load())
		})
	}
	if n := conns(w.d.Member(w.primary()).Addr()); n < 3 {
		t.Errorf("%d connections to the primary, want the monitor's two and one for operations", n)
	}
	w.dialer.wantFake(t)
}
