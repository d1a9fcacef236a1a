package mongo

import (
	"context"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/valet-go/valet/adapter"
)

const (
	// batchDocs is how many documents come with one hop to the executor, at
	// most. The server's own batches may be smaller or larger.
	batchDocs = 1024

	// killTimeout bounds the killCursors that ends a cursor before its end.
	killTimeout = 10 * time.Second
)

// Cursor is the documents that a query found, in all their batches; see
// [adapter.Stream] for Next, Each, Collect and Close. The documents belong to
// whoever gets them.
type Cursor struct {
	*adapter.Stream[bson.Raw]
	cur *mongo.Cursor // used by bodies only, one at a time
	// decoder is a copy of cur made before its use, for the settings in it.
	decoder mongo.Cursor
}

// cursor starts a call whose result is a cursor.
func cursor(ctx context.Context, a *adapter.Adapter, find func(context.Context) (*mongo.Cursor, error), cb func(*Cursor, error)) *adapter.Call {
	return adapter.Go(ctx, a, func(ctx context.Context) (*Cursor, error) {
		cur, err := find(ctx)
		if err != nil {
			return nil, err
		}
		c := &Cursor{cur: cur, decoder: *cur}
		c.Stream = adapter.NewStream(a, nil, c.fetch, c.stop)
		return c, nil
	}, cb, adapter.OnDrop(func(c any) { _ = c.(*Cursor).stop() }))
}

// fetch is a body: what the driver has of a batch, or the next one of the
// server.
func (c *Cursor) fetch(ctx context.Context) ([]bson.Raw, error) {
	if !c.cur.Next(ctx) {
		return nil, c.cur.Err()
	}
	n := min(c.cur.RemainingBatchLength()+1, batchDocs)
	// The driver may reuse the memory of a batch, so it is copied, as one.
	var all []byte
	ends := make([]int, 0, n)
	for {
		all = append(all, c.cur.Current...)
		ends = append(ends, len(all))
		if len(ends) == n || !c.cur.Next(ctx) {
			break
		}
	}
	docs := make([]bson.Raw, len(ends))
	from := 0
	for i, to := range ends {
		docs[i] = bson.Raw(all[from:to:to])
		from = to
	}
	return docs, c.cur.Err()
}

// stop is a body.
func (c *Cursor) stop() error {
	ctx, cancel := context.WithTimeout(context.Background(), killTimeout)
	defer cancel()
	return c.cur.Close(ctx)
}

// Decode unmarshals a document of the cursor's into val, a pointer, with the
// registry and the BSON options of the collection it comes from. Any
// goroutine; does not block.
func (c *Cursor) Decode(doc bson.Raw, val any) error {
	d := c.decoder
	d.Current = doc
	return d.Decode(val)
}

// All reads the cursor to its end, and calls cb with all its documents,
// decoded; or with the first error. They are decoded on another goroutine. ctx
// bounds it all. The cursor is then closed.
func All[T any](ctx context.Context, c *Cursor, cb func([]T, error)) *adapter.Call {
	return adapter.CollectFunc(ctx, c.Stream, 0, func(doc bson.Raw) (v T, err error) {
		err = c.Decode(doc, &v)
		return v, err
	}, cb)
}
