package integration

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/valet-go/valet/adapter"
	"github.com/valet-go/valet/backends/mongo"
	"github.com/valet-go/valet/cmd/internal/embedded"
	"github.com/valet-go/valet/fakesock"
)

// mongoTests run against FerretDB, each with a client and a collection of its
// own.
var mongoTests = []struct {
	name string
	run  func(*testing.T, *mongoEnv)
}{
	{"Connect waits for the deployment", testMongoConnect},
	{"documents are inserted, found, updated and deleted", testMongoDocuments},
	{"the server's errors arrive unchanged", testMongoErrors},
	{"RunCommand returns a document or the server's error", testMongoRunCommand},
	{"Aggregate returns a cursor", testMongoAggregate},
	{"Next gives the server's batches", testMongoBatches},
	{"Each, Collect and All read all batches", testMongoReadAll},
	{"a cursor can be closed early", testMongoCloseEarly},
	{"documents are decoded as the client is told to", testMongoDecode},
	{"callbacks run on another executor", testMongoOn},
	{"an ended context is reported once", testMongoEndedContext},
	{"what was cancelled is given back", testMongoCancel},
	{"every connection is a fake socket", testMongoConnections},
	{"Disconnect refuses what comes later", testMongoDisconnect},
	{"a loop closed under the client leaves nothing", testMongoLoopClosed},
}

func TestMongo(t *testing.T) {
	srv := startMongo(t)
	for _, test := range mongoTests {
		t.Run(test.name, func(t *testing.T) { test.run(t, newMongoEnv(t, srv.URI())) })
	}
}

func startMongo(t *testing.T) *embedded.Mongo {
	t.Helper()
	srv, err := embedded.StartMongo(bg, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := srv.Close(); err != nil {
			t.Error(err)
		}
	})
	return srv
}

// mongoEnv is an env with a client and a fresh collection.
type mongoEnv struct {
	*env
	uri    string
	dialer *countingDialer
	client *mongo.Client
	coll   *mongo.Collection
}

func newMongoEnv(t testing.TB, uri string) *mongoEnv {
	t.Helper()
	e := newEnv(t)
	d := &countingDialer{d: &fakesock.Dialer{Loop: e.l}}
	client := e.connect(options.Client().ApplyURI(uri).SetDialer(d))
	coll := client.Database("valet").Collection(fmt.Sprintf("c%d", tables.Add(1)))
	return &mongoEnv{e, uri, d, client, coll}
}

// connect returns a client that is disconnected at the end of the test.
func (e *env) connect(opts *options.ClientOptions, more ...mongo.Option) *mongo.Client {
	e.t.Helper()
	client, err := mongo.Open(e.a, opts, more...)
	if err != nil {
		e.t.Fatal(err)
	}
	e.t.Cleanup(func() {
		if e.cut {
			return // the test has disconnected it
		}
		ctx, cancel := context.WithTimeout(bg, patience)
		defer cancel()
		// A cursor whose read was cut off is closed by a call of its own.
		eventually(e.t, "no session is in progress", func() bool { return client.Unwrap().NumberSessionsInProgress() == 0 })
		_, err := begin(e, finish(func(cb func(error)) { client.Disconnect(ctx, cb) })).wait()
		if err != nil && !errors.Is(err, driver.ErrClientDisconnected) {
			e.t.Errorf("Disconnect: %v", err)
		}
	})
	return client
}

func (e *mongoEnv) beginInsert(ctx context.Context, doc any) *pending[*mongo.InsertOneResult] {
	return begin(e.env, func(cb func(*mongo.InsertOneResult, error)) *adapter.Call {
		return e.coll.InsertOne(ctx, doc, cb)
	})
}

// fill inserts documents numbered from 0 to n-1.
func (e *mongoEnv) fill(n int) {
	e.t.Helper()
	docs := make([]numbered, n)
	for i := range docs {
		docs[i] = numbered{i, fmt.Sprint("document ", i)}
	}
	res := must(e.env, func(cb func(*mongo.InsertManyResult, error)) *adapter.Call {
		return e.coll.InsertMany(bg, docs, cb)
	})
	if len(res.InsertedIDs) != n {
		e.t.Fatalf("inserted %d documents, want %d", len(res.InsertedIDs), n)
	}
}

type numbered struct {
	ID    int `bson:"_id"`
	Label string
}

func testMongoConnect(_ *testing.T, e *mongoEnv) {
	must(e.env, void(func(cb func(error)) *adapter.Call { return e.client.Connect(bg, cb) }))
	must(e.env, void(func(cb func(error)) *adapter.Call { return e.client.Connect(bg, cb) }))
}

func testMongoDocuments(t *testing.T, e *mongoEnv) {
	if res := e.beginInsert(bg, numbered{1, "one"}).must(); res.InsertedID != int32(1) && res.InsertedID != 1 {
		t.Errorf("inserted %v, want 1", res.InsertedID)
	}
	findOne := func(filter any) *pending[*mongo.SingleResult] {
		return begin(e.env, func(cb func(*mongo.SingleResult, error)) *adapter.Call {
			return e.coll.FindOne(bg, filter, cb)
		})
	}
	update := must(e.env, func(cb func(*mongo.UpdateResult, error)) *adapter.Call {
		return e.coll.UpdateOne(bg, bson.M{"_id": 1}, bson.M{"$set": bson.M{"label": "uno"}}, cb)
	})
	if update.MatchedCount != 1 || update.ModifiedCount != 1 {
		t.Errorf("updated %+v, want one", update)
	}
	var got numbered
	if err := findOne(bson.M{"_id": 1}).must().Decode(&got); err != nil || got.Label != "uno" {
		t.Errorf("found %+v, %v", got, err)
	}
	del := must(e.env, func(cb func(*mongo.DeleteResult, error)) *adapter.Call {
		return e.coll.DeleteOne(bg, bson.M{"_id": 1}, cb)
	})
	if del.DeletedCount != 1 {
		t.Errorf("deleted %+v, want one", del)
	}
	findOne(bson.M{"_id": 1}).failsWith(mongo.ErrNoDocuments)
}

func testMongoErrors(t *testing.T, e *mongoEnv) {
	e.beginInsert(bg, numbered{1, "one"}).must()
	err := e.beginInsert(bg, numbered{1, "again"}).fails()
	if we, ok := err.(mongo.WriteException); !ok || !driver.IsDuplicateKeyError(err) {
		t.Errorf("a %T %v (%+v), want a WriteException of a duplicate key", err, err, we)
	}
	err = begin(e.env, func(cb func(*mongo.UpdateResult, error)) *adapter.Call {
		return e.coll.UpdateOne(bg, bson.M{}, bson.M{"$nonsense": 1}, cb)
	}).fails()
	if _, want := e.coll.Unwrap().UpdateOne(bg, bson.M{}, bson.M{"$nonsense": 1}); fmt.Sprintf("%T %v", err, err) != fmt.Sprintf("%T %v", want, want) {
		t.Errorf("a %T %v; from the driver a %T %v", err, err, want, want)
	}
	err = begin(e.env, func(cb func(*mongo.InsertOneResult, error)) *adapter.Call {
		return e.coll.InsertOne(bg, make(chan int), cb)
	}).fails()
	if _, want := e.coll.Unwrap().InsertOne(bg, make(chan int)); err.Error() != want.Error() {
		t.Errorf("%v; from the driver %v", err, want)
	}
}

func (e *mongoEnv) beginCommand(ctx context.Context, command any) *pending[*mongo.SingleResult] {
	return begin(e.env, func(cb func(*mongo.SingleResult, error)) *adapter.Call {
		return e.client.Database("valet").RunCommand(ctx, command, cb)
	})
}

func testMongoRunCommand(t *testing.T, e *mongoEnv) {
	var pong struct{ OK float64 }
	if err := e.beginCommand(bg, bson.M{"ping": 1}).must().Decode(&pong); err != nil || pong.OK != 1 {
		t.Errorf("ping gave %+v, %v", pong, err)
	}
	err := e.beginCommand(bg, bson.M{"nonsense": 1}).fails()
	if ce, ok := err.(mongo.CommandError); !ok || ce.Name != "CommandNotFound" {
		t.Errorf("a %T %v, want a CommandError", err, err)
	}
}

func testMongoAggregate(t *testing.T, e *mongoEnv) {
	e.fill(30)
	cur := must(e.env, func(cb func(*mongo.Cursor, error)) *adapter.Call {
		return e.coll.Aggregate(bg, bson.A{
			bson.M{"$match": bson.M{"_id": bson.M{"$gte": 10}}},
			bson.M{"$group": bson.M{"_id": nil, "sum": bson.M{"$sum": "$_id"}}},
		}, cb)
	})
	sums := must(e.env, func(cb func([]struct{ Sum int }, error)) *adapter.Call { return mongo.All(bg, cur, cb) })
	if len(sums) != 1 || sums[0].Sum != 390 {
		t.Errorf("got %+v, want 390", sums)
	}
}

func testMongoOn(_ *testing.T, e *mongoEnv) {
	e.fill(150)
	l := startLoop(e.t)
	coll := e.client.On(l).Database("valet").Collection(e.coll.Name())
	cur := beginOn(e.env, l, func(cb func(*mongo.Cursor, error)) *adapter.Call {
		return coll.Find(bg, bson.M{}, cb, options.Find().SetBatchSize(100))
	}).must()
	beginOn(e.env, l, func(cb func([]bson.Raw, error)) *adapter.Call { return cur.NextBatch(bg, cb) }).must()
	beginOn(e.env, l, void(cur.Close)).must()
	beginOn(e.env, l, func(cb func(*mongo.SingleResult, error)) *adapter.Call {
		return e.coll.On(l).FindOne(bg, bson.M{"_id": 1}, cb)
	}).must()
	beginOn(e.env, l, func(cb func(*mongo.SingleResult, error)) *adapter.Call {
		return e.client.Database("valet").On(l).RunCommand(bg, bson.M{"ping": 1}, cb)
	}).must()
}

func testMongoConnections(t *testing.T, e *mongoEnv) {
	e.fill(10)
	var calls []*pending[*mongo.SingleResult]
	for range 8 {
		calls = append(calls, e.beginCommand(bg, bson.M{"ping": 1}))
	}
	for _, c := range calls {
		c.must()
	}
	// One is the monitor's, and one at least was for the commands.
	conns := e.dialer.dialled()
	if len(conns) < 2 {
		t.Errorf("%d connections were dialled, want the monitor's and others", len(conns))
	}
	for _, c := range conns {
		if _, ok := c.(*fakesock.Conn); !ok {
			t.Errorf("a connection is a %T", c)
		}
	}
}

func testMongoDisconnect(_ *testing.T, e *mongoEnv) {
	own := e.connect(options.Client().ApplyURI(e.uri)) // with the dialer of Open
	ping := func() *pending[struct{}] {
		return begin(e.env, void(func(cb func(error)) *adapter.Call { return own.Connect(bg, cb) }))
	}
	ping().must()
	must(e.env, finish(func(cb func(error)) { own.Disconnect(bg, cb) }))
	ping().failsWith(adapter.ErrClosed)
}
