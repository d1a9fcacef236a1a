package integration

import (
	"context"
	"errors"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/valet-go/valet/adapter"
	"github.com/valet-go/valet/backends/mongo"
)

// TestMongoEachStopped stops an Each whose next batch never comes.
func TestMongoEachStopped(t *testing.T) {
	w := newWireEnv(t, 1)
	enough := errors.New("enough")
	must(w.env, void(func(cb func(error)) *adapter.Call {
		return w.client.Database("valet").CreateCollection(bg, w.coll.Name(), cb, options.CreateCollection().SetCapped(true).SetSizeInBytes(1<<20))
	}))
	w.fill(1)
	tail := func() *mongo.Cursor {
		return w.findIn(bg, options.Find().SetCursorType(options.TailableAwait)).must()
	}
	for name, each := range map[string]func(item func() error, done func(error)){
		"Cursor.Each": func(item func() error, done func(error)) {
			tail().Each(bg, func(bson.Raw) error { return item() }, done)
		},
		"Each": func(item func() error, done func(error)) {
			mongo.Each(bg, tail(), func(numbered) error { return item() }, done)
		},
		"ChangeStream.Each": func(item func() error, done func(error)) {
			s := w.watch(bg).must()
			s.Each(bg, func(bson.Raw) error { return item() }, done)
			w.beginInsert(bg, bson.M{}).must()
		},
	} {
		t.Run(name, func(t *testing.T) {
			begin(w.env, finish(func(cb func(error)) {
				each(func() error { return enough }, cb)
			})).failsWith(enough)
			eventually(t, "no cursor is open", func() bool { return w.cursors() == 0 })
		})
	}
}

// TestMongoEachNoEnd reads a cursor that a typed Each has closed: it has not come
// to its end.
func TestMongoEachNoEnd(t *testing.T) {
	w := newWireEnv(t, 1)
	w.fill(350)
	enough := errors.New("enough")
	c := w.found()
	next := make(chan error, 1)
	begin(w.env, finish(func(cb func(error)) {
		mongo.Each(bg, c, func(numbered) error {
			// It comes behind the end of Each, and ahead of what Each does then.
			if err := w.l.Post(func() { c.Next(bg, func(_ bson.Raw, err error) { next <- err }) }); err != nil {
				t.Error(err)
			}
			return enough
		}, cb)
	})).failsWith(enough)
	if err := await(t, next); !errors.Is(err, adapter.ErrClosed) {
		t.Errorf("Next got %v, want that the cursor is closed", err)
	}
}

// watch starts to watch the env's collection.
func (w *wireEnv) watch(ctx context.Context, opts ...options.Lister[options.ChangeStreamOptions]) *pending[*mongo.ChangeStream] {
	return begin(w.env, func(cb func(*mongo.ChangeStream, error)) *adapter.Call {
		return w.coll.Watch(ctx, mongo.Pipeline{}, cb, opts...)
	})
}
