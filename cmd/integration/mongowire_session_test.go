package integration

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/valet-go/valet/adapter"
	"github.com/valet-go/valet/backends/mongo"
)

func TestMongoSession(t *testing.T) {
	for _, test := range []struct {
		name string
		run  func(*testing.T, *wireEnv)
	}{
		{"calls of a session run in order", testMongoSessionOrder},
		{"calls of a session need no slot", testMongoSessionHeld},
		{"a cursor of a session is read among its other calls", testMongoSessionCursor},
		{"a transaction by hand", testMongoTransactionByHand},
		{"two sessions conflict", testMongoSessionsConflict},
		{"WithTransaction runs the driver's calls", testMongoWithTransactionDriver},
		{"WithTransaction waits for calls with callbacks", testMongoWithTransactionWait},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, newWireEnv(t, 1)) })
	}
}

// session returns one that is ended with the test, and a context of it.
func (w *wireEnv) session() (*mongo.Session, context.Context) {
	w.t.Helper()
	sess, err := w.client.StartSession()
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() {
		begin(w.env, void(func(cb func(error)) *adapter.Call { return sess.EndSession(bg, cb) })).wait()
	})
	return sess, mongo.NewSessionContext(bg, sess)
}

// count counts, outside of any transaction.
func (w *wireEnv) count() int64 {
	w.t.Helper()
	return must(w.env, func(cb func(int64, error)) *adapter.Call { return w.coll.CountDocuments(bg, bson.M{}, cb) })
}

func testMongoSessionOrder(t *testing.T, w *wireEnv) {
	_, ctx := w.session()
	const n = 60
	var order []int // on the loop
	var calls []*pending[*mongo.UpdateResult]
	w.insertRange(0, 1)
	for i := range n {
		calls = append(calls, begin(w.env, func(cb func(*mongo.UpdateResult, error)) *adapter.Call {
			// Each finds what the one before has left.
			return w.coll.UpdateOne(ctx, bson.M{"_id": 0, "label": fmt.Sprint("document ", i)},
				bson.M{"$set": bson.M{"label": fmt.Sprint("document ", i+1)}}, func(r *mongo.UpdateResult, err error) {
					order = append(order, i)
					cb(r, err)
				})
		}))
	}
	for i, c := range calls {
		if r := c.must(); r.ModifiedCount != 1 {
			t.Errorf("call %d came too early or too late", i)
		}
	}
	for i := range n {
		if order[i] != i {
			t.Fatalf("the callbacks came in the order %v", order)
		}
	}
}

func testMongoSessionHeld(_ *testing.T, w *wireEnv) {
	own := w.with(options.Client().SetMaxPoolSize(3))
	own.beginInsert(bg, numbered{0, "document 0"}).must()
	release := make(chan struct{})
	var busy []*pending[struct{}]
	for range 3 {
		busy = append(busy, begin(w.env, func(cb func(struct{}, error)) *adapter.Call {
			return adapter.Go(bg, own.client.Adapter(), func(context.Context) (struct{}, error) { <-release; return struct{}{}, nil }, cb)
		}))
	}
	sess, ctx := own.session()
	waits := own.beginInsert(bg, numbered{1, ""})
	own.beginInsert(ctx, numbered{2, ""}).must()
	must(w.env, void(func(cb func(error)) *adapter.Call {
		return sess.Transaction(bg, func(ctx context.Context, end func(error)) {
			own.coll.InsertOne(ctx, numbered{3, ""}, func(_ *mongo.InsertOneResult, err error) { end(err) })
		}, cb)
	}))
	if waits.State() != adapter.Waiting {
		w.t.Errorf("a call of no session is %v, and all slots are taken", waits.State())
	}
	close(release)
	for _, b := range busy {
		b.must()
	}
	waits.must()
}

func testMongoSessionCursor(_ *testing.T, w *wireEnv) {
	w.fill(350)
	sess, ctx := w.session()
	must(w.env, void(func(cb func(error)) *adapter.Call { return sess.StartTransaction(cb) }))
	w.beginInsert(ctx, numbered{350, "document 350"}).must()
	c := w.findIn(ctx, hundreds()).must()
	docs := w.next(c).must()
	inserted := w.beginInsert(ctx, numbered{351, "document 351"}) // not for this cursor
	batch := w.next(c)
	inserted.must()
	docs = append(docs, batch.must()...)
	for _, doc := range w.each(c) {
		if doc.Lookup("_id").AsInt64() < 351 {
			docs = append(docs, doc)
		}
	}
	w.wantNumbered(c, docs, 351)
	// One that is not read to its end ends with the transaction.
	w.findIn(ctx, hundreds()).must()
	must(w.env, void(func(cb func(error)) *adapter.Call { return sess.AbortTransaction(bg, cb) }))
	if n := w.count(); n != 350 {
		w.t.Errorf("%d documents after the abort, want 350", n)
	}
}

func testMongoTransactionByHand(t *testing.T, w *wireEnv) {
	sess, ctx := w.session()
	start := func() {
		must(w.env, void(func(cb func(error)) *adapter.Call { return sess.StartTransaction(cb) }))
	}
	w.insertRange(0, 1) // makes the collection
	start()
	w.beginInsert(ctx, numbered{1, ""}).must()
	if n := w.count(); n != 1 {
		t.Errorf("%d documents are seen before the commit, want 1", n)
	}
	begin(w.env, void(func(cb func(error)) *adapter.Call { return sess.StartTransaction(cb) })).fails()
	must(w.env, void(func(cb func(error)) *adapter.Call { return sess.CommitTransaction(bg, cb) }))
	if n := w.count(); n != 2 {
		t.Errorf("%d documents after the commit, want 2", n)
	}
	start()
	// All three at once: they take their turns.
	one, two := w.beginInsert(ctx, numbered{2, ""}), w.beginInsert(ctx, numbered{3, ""})
	abort := begin(w.env, void(func(cb func(error)) *adapter.Call { return sess.AbortTransaction(bg, cb) }))
	one.must()
	two.must()
	abort.must()
	start()
	w.beginInsert(ctx, numbered{4, ""}).must()
	must(w.env, void(func(cb func(error)) *adapter.Call { return sess.EndSession(bg, cb) }))
	if n := w.count(); n != 2 {
		t.Errorf("%d documents after the abort and the end of the session, want 2", n)
	}
	w.beginInsert(ctx, numbered{5, ""}).fails()
}

// conflict reports whether an error says that two transactions wrote the same.
func conflict(err error) bool {
	var answer mongo.CommandError
	return asError(err, &answer) && answer.Code == 112 && answer.HasErrorLabel("TransientTransactionError")
}

func testMongoSessionsConflict(t *testing.T, w *wireEnv) {
	w.insertRange(0, 1)
	a, inA := w.session()
	b, inB := w.session()
	label := func(ctx context.Context, s string) *pending[*mongo.UpdateResult] {
		return begin(w.env, func(cb func(*mongo.UpdateResult, error)) *adapter.Call {
			return w.coll.UpdateByID(ctx, 0, bson.M{"$set": bson.M{"label": s}}, cb)
		})
	}
	for _, s := range []*mongo.Session{a, b} {
		must(w.env, void(func(cb func(error)) *adapter.Call { return s.StartTransaction(cb) }))
	}
	label(inA, "a").must()
	if err := label(inB, "b").fails(); !conflict(err) {
		t.Errorf("the second one got %v, want a conflict that passes", err)
	}
	must(w.env, void(func(cb func(error)) *adapter.Call { return b.AbortTransaction(bg, cb) }))
	// Transaction tries until the other one has ended.
	tries := 0
	again := begin(w.env, void(func(cb func(error)) *adapter.Call {
		return b.Transaction(bg, func(ctx context.Context, end func(error)) {
			tries++
			if tries == 3 {
				a.CommitTransaction(bg, nil)
			}
			w.coll.UpdateByID(ctx, 0, bson.M{"$set": bson.M{"label": "b"}}, func(_ *mongo.UpdateResult, err error) { end(err) })
		}, cb)
	}))
	again.must()
	if tries < 3 {
		t.Errorf("the steps ran %d times, and the conflict lasted for more", tries)
	}
	var doc numbered
	if err := must(w.env, func(cb func(*mongo.SingleResult, error)) *adapter.Call { return w.coll.FindOne(bg, bson.M{}, cb) }).Decode(&doc); err != nil || doc.Label != "b" {
		t.Errorf("the document is %+v, %v; want the label b", doc, err)
	}
}

func testMongoWithTransactionDriver(t *testing.T, w *wireEnv) {
	w.insertRange(0, 1)
	sess, _ := w.session()
	coll := w.coll.Unwrap()
	w.fail(0, times(2), bson.M{"failCommands": bson.A{"insert"}, "errorCode": 112, "errorLabels": bson.A{"TransientTransactionError"}})
	tries := 0
	got := must(w.env, func(cb func(any, error)) *adapter.Call {
		return sess.WithTransaction(bg, func(ctx context.Context) (any, error) {
			tries++
			if _, err := coll.InsertOne(ctx, numbered{1, ""}); err != nil {
				return nil, err
			}
			return coll.CountDocuments(ctx, bson.M{})
		}, cb)
	})
	if got != int64(2) || tries != 3 {
		t.Errorf("got %v after %d tries, want 2 after 3", got, tries)
	}
	no := errors.New("no")
	begin(w.env, func(cb func(any, error)) *adapter.Call {
		return sess.WithTransaction(bg, func(ctx context.Context) (any, error) {
			_, err := coll.InsertOne(ctx, numbered{2, ""})
			return nil, errors.Join(no, err)
		}, cb)
	}).failsWith(no)
	if n := w.count(); n != 2 {
		t.Errorf("%d documents, want 2", n)
	}
}

func testMongoWithTransactionWait(t *testing.T, w *wireEnv) {
	w.insertRange(0, 1)
	sess, _ := w.session()
	must(w.env, func(cb func(any, error)) *adapter.Call {
		return sess.WithTransaction(bg, func(ctx context.Context) (any, error) {
			for i := 1; i < 4; i++ {
				if _, err := adapter.Wait(func(cb func(*mongo.InsertOneResult, error)) {
					w.coll.InsertOne(ctx, numbered{i, fmt.Sprint("document ", i)}, cb)
				}); err != nil {
					return nil, err
				}
			}
			c, err := adapter.Wait(func(cb func(*mongo.Cursor, error)) {
				w.coll.Find(ctx, bson.M{}, cb, options.Find().SetBatchSize(2).SetSort(bson.M{"_id": 1}))
			})
			if err != nil {
				return nil, err
			}
			docs, err := adapter.Wait(func(cb func([]bson.Raw, error)) { c.ToList(ctx, 0, cb) })
			w.wantNumbered(c, docs, 4)
			return nil, err
		}, cb)
	})
	if n := w.count(); n != 4 {
		t.Errorf("%d documents, want 4", n)
	}
}
