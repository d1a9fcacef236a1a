package integration

import (
	"context"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/valet-go/valet/adapter"
	"github.com/valet-go/valet/backends/mongo"
)

// mongoCursorTests run against a replica set of one, each with its own.
var mongoCursorTests = []struct {
	name string
	run  func(*testing.T, *wireEnv)
}{
	{"every way of reading gives all documents", testMongoReadEveryWay},
	{"ways of reading can be mixed", testMongoReadMixed},
	{"documents stay what they were", testMongoDocumentsStay},
	{"a cursor can be closed while it is read", testMongoCloseWhileRead},
	{"an executor can be closed while a cursor is read", testMongoExecutorClosedWhileRead},
	{"a tailable cursor waits", testMongoTailable},
	{"an error comes behind the documents", testMongoErrorBehindDocuments},
	{"documents are decoded by the client's registry", testMongoRegistry},
	{"a failed All closes the cursor", testMongoAllFails},
	{"a cancelled read does not wait for the server", testMongoCutOff},
}

func TestMongoCursor(t *testing.T) {
	for _, test := range mongoCursorTests {
		t.Run(test.name, func(t *testing.T) { test.run(t, newWireEnv(t, 1)) })
	}
}

// hundreds is a batch size and the order of numbered documents.
func hundreds() *options.FindOptionsBuilder {
	return options.Find().SetBatchSize(100).SetSort(bson.M{"_id": 1})
}

func (w *wireEnv) found() *mongo.Cursor {
	w.t.Helper()
	return w.findIn(bg, hundreds()).must()
}

type nextFunc = func(context.Context, func(bson.Raw, error)) *adapter.Call

// nexts reads to the end, or n documents, one by one.
func (w *wireEnv) nexts(next nextFunc, n int) (docs []bson.Raw) {
	w.t.Helper()
	for len(docs) != n {
		doc, err := begin(w.env, func(cb func(bson.Raw, error)) *adapter.Call { return next(bg, cb) }).wait()
		if err == io.EOF {
			break
		}
		if err != nil {
			w.t.Fatal(err)
		}
		docs = append(docs, doc)
	}
	return docs
}

func (w *wireEnv) list(c *mongo.Cursor, limit int) []bson.Raw {
	w.t.Helper()
	return must(w.env, func(cb func([]bson.Raw, error)) *adapter.Call { return c.ToList(bg, limit, cb) })
}

// each reads the rest by Each.
func (w *wireEnv) each(c *mongo.Cursor) (docs []bson.Raw) {
	w.t.Helper()
	must(w.env, finish(func(cb func(error)) {
		c.Each(bg, func(doc bson.Raw) error { docs = append(docs, doc); return nil }, cb)
	}))
	return docs
}

func testMongoReadEveryWay(t *testing.T, w *wireEnv) {
	w.fill(350)
	raws := map[string]func(*mongo.Cursor) []bson.Raw{
		"Next":    func(c *mongo.Cursor) []bson.Raw { return w.nexts(c.Next, -1) },
		"TryNext": func(c *mongo.Cursor) []bson.Raw { return w.nexts(c.TryNext, -1) },
		"Each":    w.each,
		"ToList":  func(c *mongo.Cursor) []bson.Raw { return w.list(c, 0) },
		"ToList in pieces": func(c *mongo.Cursor) (all []bson.Raw) {
			for docs := w.list(c, 60); len(docs) > 0; docs = w.list(c, 60) {
				all = append(all, docs...)
			}
			return all
		},
		"NextBatch": func(c *mongo.Cursor) (all []bson.Raw) {
			for {
				docs, err := w.next(c).wait()
				if err == io.EOF {
					return all
				}
				all = append(all, docs...)
			}
		},
	}
	for name, read := range raws {
		t.Run(name, func(*testing.T) {
			c := w.found()
			w.wantNumbered(c, read(c), 350)
			if id := c.ID(); id != 0 {
				t.Errorf("the cursor's ID is %d at its end", id)
			}
		})
	}
	decoded := map[string]func(*mongo.Cursor) []numbered{
		"All": func(c *mongo.Cursor) []numbered {
			return must(w.env, func(cb func([]numbered, error)) *adapter.Call { return mongo.All(bg, c, cb) })
		},
		"Cursor.All": func(c *mongo.Cursor) []numbered {
			got := []numbered{{ID: -1}} // is overwritten
			must(w.env, void(func(cb func(error)) *adapter.Call { return c.All(bg, &got, cb) }))
			return got
		},
		"typed ToList": func(c *mongo.Cursor) (got []numbered) {
			return must(w.env, func(cb func([]numbered, error)) *adapter.Call { return mongo.ToList(bg, c, 0, cb) })
		},
		"typed Each": func(c *mongo.Cursor) (got []numbered) {
			must(w.env, finish(func(cb func(error)) {
				mongo.Each(bg, c, func(n numbered) error { got = append(got, n); return nil }, cb)
			}))
			return got
		},
	}
	var want []numbered
	for i := range 350 {
		want = append(want, numbered{i, fmt.Sprint("document ", i)})
	}
	for name, read := range decoded {
		t.Run(name, func(*testing.T) {
			if got := read(w.found()); !reflect.DeepEqual(got, want) {
				t.Errorf("got %d documents that are not the %d there are", len(got), len(want))
			}
		})
	}
	w.wantNoSession()
}

func testMongoReadMixed(_ *testing.T, w *wireEnv) {
	w.fill(350)
	c := w.found()
	docs := w.nexts(c.Next, 3)
	docs = append(docs, w.next(c).must()...) // the rest of the batch
	docs = append(docs, w.nexts(c.TryNext, 2)...)
	c.SetBatchSize(7)
	docs = append(docs, w.list(c, 120)...)
	docs = append(docs, w.nexts(c.Next, 1)...)
	// Calls that nobody waits for take their turns.
	one := begin(w.env, func(cb func(bson.Raw, error)) *adapter.Call { return c.Next(bg, cb) })
	some := begin(w.env, func(cb func([]bson.Raw, error)) *adapter.Call { return c.ToList(bg, 4, cb) })
	another := begin(w.env, func(cb func(bson.Raw, error)) *adapter.Call { return c.TryNext(bg, cb) })
	docs = append(append(append(docs, one.must()), some.must()...), another.must())
	docs = append(docs, w.each(c)...)
	w.wantNumbered(c, docs, 350)
	w.next(c).failsWith(io.EOF)
}

func testMongoDocumentsStay(t *testing.T, w *wireEnv) {
	const n = 30
	label := func(i int) string { return strings.Repeat(fmt.Sprint(i, " "), 1+i*i*20) } // up to some 90 KB
	docs := make([]numbered, n)
	for i := range docs {
		docs[i] = numbered{i, label(i)}
	}
	must(w.env, func(cb func(*mongo.InsertManyResult, error)) *adapter.Call { return w.coll.InsertMany(bg, docs, cb) })
	c := w.findIn(bg, options.Find().SetBatchSize(9).SetSort(bson.M{"_id": 1})).must()
	got := w.nexts(c.Next, 5)
	got = append(got, w.next(c).must()...)
	got = append(got, w.each(c)...)
	for i := range 20 { // other replies, in whatever memory the driver uses
		w.beginInsert(bg, numbered{1000 + i, label(i)}).must()
	}
	for i, doc := range got {
		_ = append(doc, 0xff) // does not reach the next one
		var have numbered
		if err := c.Decode(doc, &have); err != nil || have != docs[i] {
			t.Fatalf("document %d is not what it was: %v", i, err)
		}
	}
	if len(got) != n {
		t.Errorf("got %d documents, want %d", len(got), n)
	}
}

func testMongoCloseWhileRead(t *testing.T, w *wireEnv) {
	w.fill(3500)
	for name, each := range map[string]func(c *mongo.Cursor, item func(int) error, done func(error)){
		"Cursor.Each": func(c *mongo.Cursor, item func(int) error, done func(error)) {
			c.Each(bg, func(doc bson.Raw) error { return item(int(doc.Lookup("_id").AsInt64())) }, done)
		},
		"Each": func(c *mongo.Cursor, item func(int) error, done func(error)) {
			mongo.Each(bg, c, func(n numbered) error { return item(n.ID) }, done)
		},
	} {
		c, seen := w.found(), 0
		var closed *pending[struct{}]
		begin(w.env, finish(func(cb func(error)) {
			each(c, func(i int) error {
				if i != seen {
					t.Errorf("document %d came as number %d", i, seen)
				}
				if seen++; seen == 150 {
					closed = begin(w.env, void(c.Close))
				}
				return nil
			}, cb)
		})).failsWith(adapter.ErrClosed)
		closed.must()
		if seen < 150 || seen > 400 { // what was under way then
			t.Errorf("%s went on to document %d after Close at 150", name, seen)
		}
		eventually(t, "no cursor is open", func() bool { return w.cursors() == 0 })
	}
}

func testMongoExecutorClosedWhileRead(t *testing.T, w *wireEnv) {
	w.fill(3500)
	for name, each := range map[string]func(c *mongo.Cursor, item func() error, done func(error)){
		"Cursor.Each": func(c *mongo.Cursor, item func() error, done func(error)) {
			c.Each(bg, func(bson.Raw) error { return item() }, done)
		},
		"Each": func(c *mongo.Cursor, item func() error, done func(error)) {
			mongo.Each(bg, c, func(numbered) error { return item() }, done)
		},
	} {
		l := startLoop(t)
		c := beginOn(w.env, l, func(cb func(*mongo.Cursor, error)) *adapter.Call {
			return w.coll.On(l).Find(bg, bson.M{}, cb, options.Find().SetBatchSize(10))
		}).must()
		begun := make(chan struct{})
		seen := 0
		each(c, func() error {
			if seen++; seen == 15 {
				close(begun)
			}
			return nil
		}, func(err error) {
			if err == nil && seen < 3500 {
				t.Errorf("%s ended without an error after %d documents", name, seen)
			}
		})
		await(t, begun)
		l.Close()
		eventually(t, "no cursor is open after "+name, func() bool {
			return w.cursors() == 0 && w.client.Unwrap().NumberSessionsInProgress() == 0
		})
	}
}

func testMongoTailable(t *testing.T, w *wireEnv) {
	must(w.env, void(func(cb func(error)) *adapter.Call {
		return w.client.Database("valet").CreateCollection(bg, w.coll.Name(), cb, options.CreateCollection().SetCapped(true).SetSizeInBytes(1<<20))
	}))
	w.fill(3)
	c := w.findIn(bg, options.Find().SetCursorType(options.TailableAwait).SetMaxAwaitTime(20*time.Millisecond)).must()
	try := func() *pending[bson.Raw] {
		return begin(w.env, func(cb func(bson.Raw, error)) *adapter.Call { return c.TryNext(bg, cb) })
	}
	w.wantNumbered(c, []bson.Raw{try().must(), try().must(), try().must()}, 3)
	if doc, err := try().wait(); doc != nil || err != nil {
		t.Errorf("TryNext of an idle cursor gave %v, %v", doc, err)
	}
	c.SetMaxAwaitTime(time.Hour)
	waits := begin(w.env, func(cb func(bson.Raw, error)) *adapter.Call { return c.Next(bg, cb) })
	eventually(t, "the cursor waits", func() bool { return len(w.running("getMore")) == 1 })
	w.beginInsert(bg, numbered{3, "document 3"}).must()
	if n := waits.must().Lookup("_id").AsInt64(); n != 3 {
		t.Errorf("Next gave document %d, want 3", n)
	}
	// Close comes behind a read that waits, which is cancelled therefore.
	batch := begin(w.env, func(cb func([]bson.Raw, error)) *adapter.Call { return c.NextBatch(bg, cb) })
	eventually(t, "the cursor waits again", func() bool { return len(w.running("getMore")) == 1 })
	closed := begin(w.env, void(c.Close))
	batch.Cancel()
	batch.failsWith(context.Canceled)
	closed.must()
}
