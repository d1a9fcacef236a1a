package syncmongo

import (
	"context"
	"io"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/valet-go/valet/adapter"
	asyncmongo "github.com/valet-go/valet/backends/mongo"
)

// Cursor has the methods of [mongo.Cursor], which run through callbacks. One
// goroutine at a time may use it.
type Cursor struct {
	// Current is the document that Next is at.
	Current bson.Raw

	x   *asyncmongo.Cursor
	err error
}

// NewCursor returns a Cursor whose calls are x's; nil for nil.
func NewCursor(x *asyncmongo.Cursor) *Cursor {
	if x == nil {
		return nil
	}
	return &Cursor{x: x}
}

// cursor makes the results of the methods that find.
func cursor(_ context.Context, start func(cb func(*asyncmongo.Cursor, error))) (*Cursor, error) {
	x, err := adapter.Wait(start)
	return NewCursor(x), err
}

// Next is [mongo.Cursor.Next].
func (c *Cursor) Next(ctx context.Context) bool { return c.next(ctx, c.x.Next) }

// TryNext is [mongo.Cursor.TryNext].
func (c *Cursor) TryNext(ctx context.Context) bool { return c.next(ctx, c.x.TryNext) }

// asking is a method that asks for a document, or an event.
type asking func(context.Context, func(bson.Raw, error)) *adapter.Call

func (c *Cursor) next(ctx context.Context, ask asking) bool {
	return advance(ctx, ask, &c.Current, &c.err)
}

// advance asks for what comes next, unless there was an error.
func advance(ctx context.Context, ask asking, current *bson.Raw, failed *error) bool {
	if *failed != nil {
		return false
	}
	doc, err := adapter.Wait(func(cb func(bson.Raw, error)) { ask(ctx, cb) })
	switch {
	case err == io.EOF:
		return false
	case err != nil:
		*failed = err
		return false
	case doc == nil: // it tried
		return false
	}
	*current = doc
	return true
}

// Decode is [mongo.Cursor.Decode].
func (c *Cursor) Decode(val any) error { return c.x.Decode(c.Current, val) }

// All is [mongo.Cursor.All].
func (c *Cursor) All(ctx context.Context, results any) error {
	return adapter.WaitErr(func(cb func(error)) { c.x.All(ctx, results, cb) })
}

// Err is [mongo.Cursor.Err].
func (c *Cursor) Err() error { return c.err }

// Close is [mongo.Cursor.Close].
func (c *Cursor) Close(context.Context) error {
	return adapter.WaitErr(func(cb func(error)) { c.x.Close(cb) })
}

// ID is [mongo.Cursor.ID].
func (c *Cursor) ID() int64 { return c.x.ID() }

// RemainingBatchLength is [mongo.Cursor.RemainingBatchLength].
func (c *Cursor) RemainingBatchLength() int { return c.x.RemainingBatchLength() }

// SetBatchSize is [mongo.Cursor.SetBatchSize].
func (c *Cursor) SetBatchSize(batchSize int32) { c.x.SetBatchSize(batchSize) }

// SetMaxAwaitTime is [mongo.Cursor.SetMaxAwaitTime].
func (c *Cursor) SetMaxAwaitTime(dur time.Duration) { c.x.SetMaxAwaitTime(dur) }

// SetComment is [mongo.Cursor.SetComment].
func (c *Cursor) SetComment(comment any) { c.x.SetComment(comment) }
