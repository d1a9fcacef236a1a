package integration

import (
	"context"
	"errors"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/valet-go/valet/adapter"
	"github.com/valet-go/valet/backends/mongo"
)

func testMongoEndedContext(_ *testing.T, e *mongoEnv) {
	e.fill(150)
	cancelled, cancel := context.WithCancel(bg)
	cancel()
	late, cancel := context.WithTimeout(bg, -time.Second)
	defer cancel()
	for want, ctx := range map[error]context.Context{context.Canceled: cancelled, context.DeadlineExceeded: late} {
		begin(e.env, void(func(cb func(error)) *adapter.Call { return e.client.Connect(ctx, cb) })).failsWith(want)
		e.beginInsert(ctx, numbered{500, ""}).failsWith(want)
		e.beginCommand(ctx, bson.M{"ping": 1}).failsWith(want)
		begin(e.env, func(cb func(*mongo.Cursor, error)) *adapter.Call { return e.coll.Find(ctx, bson.M{}, cb) }).failsWith(want)
		cur := e.find()
		begin(e.env, func(cb func([]numbered, error)) *adapter.Call { return mongo.All(ctx, cur, cb) }).failsWith(want)
		cur = e.find()
		e.next(cur).must()
		begin(e.env, func(cb func([]bson.Raw, error)) *adapter.Call { return cur.NextBatch(ctx, cb) }).failsWith(want)
		must(e.env, void(cur.Close))
		e.wantNoSession()
	}
}

// testMongoCancel cancels calls at whatever moment their bodies are in.
func testMongoCancel(t *testing.T, e *mongoEnv) {
	e.fill(150)
	for range 50 {
		p := begin(e.env, func(cb func(*mongo.Cursor, error)) *adapter.Call {
			return e.coll.Find(bg, bson.M{}, cb, options.Find().SetBatchSize(10))
		})
		cancelled := p.Cancel()
		switch cur, err := p.wait(); {
		case cancelled && !errors.Is(err, context.Canceled), !cancelled && err != nil:
			t.Errorf("Cancel reports %v, and the callback got %v", cancelled, err)
		case err == nil:
			must(e.env, void(cur.Close))
		}
	}
	eventually(t, "no session in progress", func() bool { return e.client.Unwrap().NumberSessionsInProgress() == 0 })
}

func testMongoLoopClosed(t *testing.T, e *mongoEnv) {
	e.fill(150)
	own := e.connect(options.Client().ApplyURI(e.uri).SetServerSelectionTimeout(300 * time.Millisecond))
	coll := own.Database("valet").Collection(e.coll.Name())
	cur := must(e.env, func(cb func(*mongo.Cursor, error)) *adapter.Call {
		return coll.Find(bg, bson.M{}, cb, options.Find().SetBatchSize(10))
	})
	var calls []*adapter.Call
	for range 50 {
		calls = append(calls, begin(e.env, func(cb func(*mongo.SingleResult, error)) *adapter.Call {
			return coll.FindOne(bg, bson.M{}, cb)
		}).Call)
	}
	e.cut = true
	if err := e.l.Close(); err != nil {
		t.Fatal(err)
	}
	calls = append(calls, e.next(cur).Call, begin(e.env, void(cur.Close)).Call)
	for _, c := range calls {
		await(t, c.Done())
	}
	// The driver itself sees the loop's end, so all its sockets were on it.
	ctx, cancel := context.WithTimeout(bg, prompt)
	defer cancel()
	if err := own.Unwrap().Ping(ctx, nil); err == nil || ctx.Err() != nil {
		t.Errorf("Ping on a closed loop: %v", err)
	}
	for _, c := range []*mongo.Client{own, e.client} {
		if err := c.Unwrap().Disconnect(ctx); err != nil {
			t.Error(err)
		}
	}
}

// TestMongoGoesAway closes the server under a client.
func TestMongoGoesAway(t *testing.T) {
	srv := startMongo(t)
	e := newEnv(t)
	const patient = 300 * time.Millisecond
	client := e.connect(options.Client().ApplyURI(srv.URI()).SetServerSelectionTimeout(patient))
	coll := client.Database("valet").Collection("c")
	insert := func() *pending[*mongo.InsertOneResult] {
		return begin(e, func(cb func(*mongo.InsertOneResult, error)) *adapter.Call {
			return coll.InsertOne(bg, bson.M{}, cb)
		})
	}
	insert().must()
	if err := srv.Close(); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		err := insert().fails()
		if answer := driver.ServerError(nil); errors.As(err, &answer) && !answer.HasErrorLabel("NetworkError") {
			t.Errorf("got the server's answer %v, and it is closed", err)
		}
	}
}
