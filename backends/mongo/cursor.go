package mongo

import (
	"context"
	"fmt"
	"io"
	"reflect"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/valet-go/valet/adapter"
)

// Cursor is the documents that a query found, in all their batches. Its calls
// take their turns, and take no slots. It must be read to its end or closed. An
// error ends it as well, but not that of a call that was cancelled while it waited
// for its turn. The documents belong to whoever gets them. Its methods
// may be called from any goroutine, and none blocks; callbacks run on the executor
// of what the cursor comes from.
type Cursor struct {
	a    *adapter.Adapter
	lane *adapter.Lane
	s    *adapter.Stream[bson.Raw]
	f    *feeder
	cur  *mongo.Cursor // used by bodies only, one at a time
	// decoder is a copy of cur made before its use, for the settings in it.
	decoder mongo.Cursor
}

// newCursor wraps cur, whose calls a starts, in a lane of its own if lane is nil.
func newCursor(a *adapter.Adapter, lane *adapter.Lane, cur *mongo.Cursor) *Cursor {
	f, lane := newFeeder(a, lane, cur)
	c := &Cursor{a: a, lane: lane, f: f, cur: cur, decoder: *cur}
	c.s = adapter.NewStream(a, lane, c.fetch, c.f.stop)
	return c
}

// NewCursor wraps cur, whose calls a starts, and which nobody else may use
// any longer.
func NewCursor(a *adapter.Adapter, cur *mongo.Cursor) *Cursor { return newCursor(a, nil, cur) }

// fetch is the stream's.
func (c *Cursor) fetch(ctx context.Context) ([]bson.Raw, error) {
	var docs []bson.Raw
	var mem memory
	w := wantOf(ctx)
	idle, err := c.f.read(ctx, w, func(left int) error {
		if docs == nil {
			docs = make([]bson.Raw, 0, left+1)
		}
		doc := mem.copied(c.cur.Current, left)
		docs = append(docs, doc)
		if w.each != nil {
			return w.each(doc)
		}
		return nil
	})
	switch {
	case err != nil:
		return nil, err
	case idle:
		return []bson.Raw{nil}, nil
	}
	return docs, nil
}

// Next calls cb with the next document, or with [io.EOF] at the end, however
// long that takes: with a tailable cursor, until there is another document. To
// read many, [Cursor.Each] is much cheaper.
func (c *Cursor) Next(ctx context.Context, cb func(bson.Raw, error)) *adapter.Call {
	return c.one(ctx, want{limit: 1}, cb)
}

// TryNext is Next, but asks the server once at most: if there is no document
// now, but another may come, as with a tailable cursor, cb gets nil and no error.
func (c *Cursor) TryNext(ctx context.Context, cb func(bson.Raw, error)) *adapter.Call {
	return c.one(ctx, want{limit: 1, try: true}, cb)
}

func (c *Cursor) one(ctx context.Context, w want, cb func(bson.Raw, error)) *adapter.Call {
	return c.s.Next(asking(ctx, w), func(docs []bson.Raw, err error) {
		if err != nil {
			cb(nil, err)
			return
		}
		cb(docs[0], nil)
	})
}

// NextBatch calls cb with the documents that are there, or else with those that
// the server sends next, in each case at most some thousand; or with [io.EOF] at
// the end.
func (c *Cursor) NextBatch(ctx context.Context, cb func([]bson.Raw, error)) *adapter.Call {
	return c.s.Next(ctx, cb)
}

// Each calls item with each document, in order, closes the cursor, and then
// calls done: with nil at the end, or with the error of item, or of the cursor.
// The next batch is fetched while one is being handled. The executor gets to do
// other work in between. ctx bounds it all. See [adapter.Stream.Each].
func (c *Cursor) Each(ctx context.Context, item func(bson.Raw) error, done func(error)) {
	eachOf(ctx, c.s, item, done)
}

// ToList calls cb with the next documents, at most limit, or, if that is 0 or
// less, all; at the end with none. It leaves the cursor open unless it has come
// to its end.
func (c *Cursor) ToList(ctx context.Context, limit int, cb func([]bson.Raw, error)) *adapter.Call {
	return toList(ctx, c, want{limit: limit, fill: true}, cb)
}

func toList(ctx context.Context, c *Cursor, w want, cb func([]bson.Raw, error)) *adapter.Call {
	return c.s.Next(asking(ctx, w), func(docs []bson.Raw, err error) {
		if err == io.EOF { // not errors.Is: a lost connection's error may wrap it
			docs, err = []bson.Raw{}, nil
		}
		cb(docs, err)
	})
}

// All sets the slice that results points to to all documents that are left,
// decoded, closes the cursor, and calls cb; after an error the slice is as it
// was. They are decoded on another goroutine, as new elements. ctx bounds it
// all.
func (c *Cursor) All(ctx context.Context, results any, cb func(error)) *adapter.Call {
	to, slice, err := sliceOf(results)
	if err != nil {
		c.s.Close(nil)
		return adapter.Go(ctx, c.a, func(context.Context) (struct{}, error) { return struct{}{}, err }, errOnly(cb),
			adapter.Held(), adapter.In(c.lane), adapter.Name("All"))
	}
	element := slice.Type().Elem()
	return adapter.CollectFunc(ctx, c.s, 0, func(doc bson.Raw) (struct{}, error) {
		v := reflect.New(element)
		err := c.Decode(doc, v.Interface())
		slice = reflect.Append(slice, v.Elem())
		return struct{}{}, err
	}, func(_ []struct{}, err error) {
		if err == nil {
			to.Set(slice)
		}
		if cb != nil {
			cb(err)
		}
	})
}

// sliceOf returns what results points to, and a new slice for it. The errors are
// the driver's.
func sliceOf(results any) (to, slice reflect.Value, err error) {
	v := reflect.ValueOf(results)
	if v.Kind() != reflect.Pointer {
		return to, slice, fmt.Errorf("results argument must be a pointer to a slice, but was a %s", v.Kind())
	}
	to = v.Elem()
	slice = to
	if slice.Kind() == reflect.Interface {
		slice = slice.Elem()
	}
	if slice.Kind() != reflect.Slice {
		return to, slice, fmt.Errorf("results argument must be a pointer to a slice, but was a pointer to %s", slice.Kind())
	}
	if slice.IsNil() { // and stays so without documents, as with the driver
		return to, reflect.Zero(slice.Type()), nil
	}
	return to, reflect.MakeSlice(slice.Type(), 0, 0), nil
}

// Close makes the server forget the cursor. Documents that have not come yet
// never come. A nil cb is allowed.
func (c *Cursor) Close(cb func(error)) *adapter.Call { return c.s.Close(cb) }

// Decode unmarshals a document of the cursor's into val, a pointer, with the
// registry and the BSON options of the collection it comes from. Any goroutine;
// does not block.
func (c *Cursor) Decode(doc bson.Raw, val any) error {
	d := c.decoder
	d.Current = doc
	return d.Decode(val)
}

// ID returns the server's number of the cursor; 0 once the server has sent all
// of it.
func (c *Cursor) ID() int64 { return c.f.id.Load() }

// RemainingBatchLength returns how many documents can be had without asking the
// server.
func (c *Cursor) RemainingBatchLength() int { return int(c.f.left.Load()) }

// SetBatchSize sets how many documents the server is asked for from the next
// time on.
func (c *Cursor) SetBatchSize(n int32) { c.f.set(func() { c.cur.SetBatchSize(n) }) }

// SetMaxAwaitTime sets how long the server waits for a document of a tailable
// cursor, from the next time on.
func (c *Cursor) SetMaxAwaitTime(d time.Duration) { c.f.set(func() { c.cur.SetMaxAwaitTime(d) }) }

// SetComment sets the comment that the server is given from the next time on.
func (c *Cursor) SetComment(comment any) { c.f.set(func() { c.cur.SetComment(comment) }) }
