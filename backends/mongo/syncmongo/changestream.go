package syncmongo

import (
	"context"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/valet-go/valet/adapter"
	asyncmongo "github.com/valet-go/valet/backends/mongo"
)

// ChangeStream has the methods of [mongo.ChangeStream], which run through
// callbacks. One goroutine at a time may use it.
type ChangeStream struct {
	// Current is the event that Next is at.
	Current bson.Raw

	x   *asyncmongo.ChangeStream
	err error
}

// changes makes the results of the methods that watch.
func changes(_ context.Context, start func(cb func(*asyncmongo.ChangeStream, error))) (*ChangeStream, error) {
	x, err := adapter.Wait(start)
	if err != nil {
		return nil, err
	}
	return &ChangeStream{x: x}, nil
}

// Next is [mongo.ChangeStream.Next].
func (cs *ChangeStream) Next(ctx context.Context) bool {
	return advance(ctx, cs.x.Next, &cs.Current, &cs.err)
}

// TryNext is [mongo.ChangeStream.TryNext].
func (cs *ChangeStream) TryNext(ctx context.Context) bool {
	return advance(ctx, cs.x.TryNext, &cs.Current, &cs.err)
}

// Decode is [mongo.ChangeStream.Decode].
func (cs *ChangeStream) Decode(val any) error { return cs.x.Decode(cs.Current, val) }

// Err is [mongo.ChangeStream.Err].
func (cs *ChangeStream) Err() error { return cs.err }

// Close is [mongo.ChangeStream.Close].
func (cs *ChangeStream) Close(context.Context) error {
	return adapter.WaitErr(func(cb func(error)) { cs.x.Close(cb) })
}

// ResumeToken is [mongo.ChangeStream.ResumeToken].
func (cs *ChangeStream) ResumeToken() bson.Raw { return cs.x.ResumeToken() }

// ID is [mongo.ChangeStream.ID].
func (cs *ChangeStream) ID() int64 { return cs.x.ID() }

// RemainingBatchLength is [mongo.ChangeStream.RemainingBatchLength].
func (cs *ChangeStream) RemainingBatchLength() int { return cs.x.RemainingBatchLength() }

// SetBatchSize is [mongo.ChangeStream.SetBatchSize].
func (cs *ChangeStream) SetBatchSize(size int32) { cs.x.SetBatchSize(size) }
