package integration

import (
	"errors"
	"fmt"
	"io"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/valet-go/valet/adapter"
	"github.com/valet-go/valet/backends/mongo"
)

// find finds all documents in their order, in batches of 100.
func (e *mongoEnv) find() *mongo.Cursor {
	e.t.Helper()
	return must(e.env, func(cb func(*mongo.Cursor, error)) *adapter.Call {
		return e.coll.Find(bg, bson.M{}, cb, options.Find().SetBatchSize(100).SetSort(bson.M{"_id": 1}))
	})
}

func (e *mongoEnv) next(c *mongo.Cursor) *pending[[]bson.Raw] {
	return begin(e.env, func(cb func([]bson.Raw, error)) *adapter.Call { return c.NextBatch(bg, cb) })
}

// wantNumbered checks that the documents are the first n.
func (e *mongoEnv) wantNumbered(c *mongo.Cursor, docs []bson.Raw, n int) {
	e.t.Helper()
	if len(docs) != n {
		e.t.Errorf("got %d documents, want %d", len(docs), n)
	}
	for i, doc := range docs {
		var got numbered
		if err := c.Decode(doc, &got); err != nil || got != (numbered{i, fmt.Sprint("document ", i)}) {
			e.t.Fatalf("document %d is %+v, %v", i, got, err)
		}
	}
}

func testMongoBatches(t *testing.T, e *mongoEnv) {
	e.fill(350)
	cur := e.find()
	var all []bson.Raw
	var sizes []int
	for {
		docs, err := e.next(cur).wait()
		if err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		all, sizes = append(all, docs...), append(sizes, len(docs))
	}
	e.wantNumbered(cur, all, 350)
	if fmt.Sprint(sizes) != "[100 100 100 50]" {
		t.Errorf("the batches have %v documents", sizes)
	}
	e.next(cur).failsWith(io.EOF)
	// No document shares memory with the next one.
	_ = append(all[0], 0xff)
	e.wantNumbered(cur, all, 350)
}

func testMongoReadAll(t *testing.T, e *mongoEnv) {
	e.fill(350)
	var docs []bson.Raw
	cur := e.find()
	must(e.env, finish(func(cb func(error)) {
		cur.Each(bg, func(doc bson.Raw) error {
			if !e.l.OnLoop() {
				t.Error("an item did not come on the loop")
			}
			docs = append(docs, doc)
			return nil
		}, cb)
	}))
	e.wantNumbered(cur, docs, 350)

	for _, limit := range []int{0, 1, 100, 101, 350, 400} {
		want := 350
		if limit > 0 {
			want = min(limit, 350)
		}
		cur := e.find()
		docs := must(e.env, func(cb func([]bson.Raw, error)) *adapter.Call { return cur.ToList(bg, limit, cb) })
		e.wantNumbered(cur, docs, want)
		must(e.env, void(cur.Close))
	}

	all := must(e.env, func(cb func([]numbered, error)) *adapter.Call { return mongo.All(bg, e.find(), cb) })
	if len(all) != 350 || all[349] != (numbered{349, "document 349"}) {
		t.Errorf("All gave %d documents, the last %+v", len(all), all[len(all)-1])
	}
	// A document that cannot be decoded ends it.
	begin(e.env, func(cb func([]struct{ Label int }, error)) *adapter.Call { return mongo.All(bg, e.find(), cb) }).fails()
	empty := must(e.env, func(cb func(*mongo.Cursor, error)) *adapter.Call {
		return e.coll.Find(bg, bson.M{"_id": -1}, cb)
	})
	if none := must(e.env, func(cb func([]numbered, error)) *adapter.Call { return mongo.All(bg, empty, cb) }); len(none) != 0 || none == nil {
		t.Errorf("All of nothing gave %v, want an empty slice", none)
	}
	e.wantNoSession()
}

func (e *mongoEnv) wantNoSession() {
	e.t.Helper()
	if n := e.client.Unwrap().NumberSessionsInProgress(); n != 0 {
		e.t.Errorf("%d sessions are in progress, want none", n)
	}
}

func testMongoCloseEarly(_ *testing.T, e *mongoEnv) {
	e.fill(350)
	for _, read := range []int{0, 1, 2} {
		cur := e.find()
		for range read {
			e.next(cur).must()
		}
		must(e.env, void(cur.Close))
		e.wantNoSession()
		e.next(cur).failsWith(adapter.ErrClosed)
		must(e.env, void(cur.Close))
	}
	stop := errors.New("enough")
	cur := e.find()
	begin(e.env, finish(func(cb func(error)) {
		cur.Each(bg, func(bson.Raw) error { return stop }, cb)
	})).failsWith(stop)
	e.wantNoSession()
}

func testMongoDecode(t *testing.T, e *mongoEnv) {
	own := e.connect(options.Client().ApplyURI(e.uri).SetBSONOptions(&options.BSONOptions{ObjectIDAsHexString: true}))
	coll := own.Database("valet").Collection(e.coll.Name())
	id := bson.NewObjectID()
	e.beginInsert(bg, bson.M{"_id": id}).must()
	cur := must(e.env, func(cb func(*mongo.Cursor, error)) *adapter.Call { return coll.Find(bg, bson.M{}, cb) })
	doc := begin(e.env, func(cb func([]bson.Raw, error)) *adapter.Call { return cur.NextBatch(bg, cb) }).must()[0]
	var got struct {
		ID string `bson:"_id"`
	}
	if err := cur.Decode(doc, &got); err != nil || got.ID != id.Hex() {
		t.Errorf("decoded %q, %v; want %s", got.ID, err, id.Hex())
	}
	must(e.env, void(cur.Close))
	cur = must(e.env, func(cb func(*mongo.Cursor, error)) *adapter.Call { return coll.Find(bg, bson.M{}, cb) })
	all := must(e.env, func(cb func([]struct {
		ID string `bson:"_id"`
	}, error),
	) *adapter.Call {
		return mongo.All(bg, cur, cb)
	})
	if len(all) != 1 || all[0].ID != id.Hex() {
		t.Errorf("All decoded %+v, want %s", all, id.Hex())
	}
	// Without the option it is an error.
	cur = e.find()
	doc = e.next(cur).must()[0]
	if err := cur.Decode(doc, &got); err == nil {
		t.Error("an ObjectID was decoded into a string without the option")
	}
	must(e.env, void(cur.Close))
}
