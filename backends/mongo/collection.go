package mongo

import (
	"context"

	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/valet-go/valet/adapter"
	"github.com/valet-go/valet/loop"
)

// Collection is a handle for a collection.
type Collection struct {
	a *adapter.Adapter
	c *mongo.Collection
}

// On returns a view of the collection whose callbacks run on exec.
func (c *Collection) On(exec loop.Executor) *Collection { return &Collection{c.a.On(exec), c.c} }

// Unwrap returns the driver's collection.
func (c *Collection) Unwrap() *mongo.Collection { return c.c }

// Name returns the collection's name.
func (c *Collection) Name() string { return c.c.Name() }

// InsertOne is [mongo.Collection.InsertOne]. The document is read on another
// goroutine, and must not be changed until the callback.
func (c *Collection) InsertOne(ctx context.Context, document any, cb func(*InsertOneResult, error), opts ...options.Lister[options.InsertOneOptions]) *adapter.Call {
	return adapter.Go(ctx, c.a, func(ctx context.Context) (*InsertOneResult, error) {
		return c.c.InsertOne(ctx, document, opts...)
	}, cb, adapter.Name("InsertOne"))
}

// InsertMany is [mongo.Collection.InsertMany]. The documents are read on
// another goroutine, and must not be changed until the callback.
func (c *Collection) InsertMany(ctx context.Context, documents any, cb func(*InsertManyResult, error), opts ...options.Lister[options.InsertManyOptions]) *adapter.Call {
	return adapter.Go(ctx, c.a, func(ctx context.Context) (*InsertManyResult, error) {
		return c.c.InsertMany(ctx, documents, opts...)
	}, cb, adapter.Name("InsertMany"))
}

// UpdateOne is [mongo.Collection.UpdateOne].
func (c *Collection) UpdateOne(ctx context.Context, filter, update any, cb func(*UpdateResult, error), opts ...options.Lister[options.UpdateOneOptions]) *adapter.Call {
	return adapter.Go(ctx, c.a, func(ctx context.Context) (*UpdateResult, error) {
		return c.c.UpdateOne(ctx, filter, update, opts...)
	}, cb, adapter.Name("UpdateOne"))
}

// DeleteOne is [mongo.Collection.DeleteOne].
func (c *Collection) DeleteOne(ctx context.Context, filter any, cb func(*DeleteResult, error), opts ...options.Lister[options.DeleteOneOptions]) *adapter.Call {
	return adapter.Go(ctx, c.a, func(ctx context.Context) (*DeleteResult, error) {
		return c.c.DeleteOne(ctx, filter, opts...)
	}, cb, adapter.Name("DeleteOne"))
}

// FindOne is [mongo.Collection.FindOne]; when nothing matches, err is
// [ErrNoDocuments]. The result's Decode does not block.
func (c *Collection) FindOne(ctx context.Context, filter any, cb func(*SingleResult, error), opts ...options.Lister[options.FindOneOptions]) *adapter.Call {
	return single(ctx, c.a, func(ctx context.Context) *SingleResult {
		return c.c.FindOne(ctx, filter, opts...)
	}, cb)
}

// Find is [mongo.Collection.Find]. The cursor must be read to its end or
// closed.
func (c *Collection) Find(ctx context.Context, filter any, cb func(*Cursor, error), opts ...options.Lister[options.FindOptions]) *adapter.Call {
	return cursor(ctx, c.a, func(ctx context.Context) (*mongo.Cursor, error) {
		return c.c.Find(ctx, filter, opts...)
	}, cb)
}

// Aggregate is [mongo.Collection.Aggregate]. The cursor must be read to its
// end or closed.
func (c *Collection) Aggregate(ctx context.Context, pipeline any, cb func(*Cursor, error), opts ...options.Lister[options.AggregateOptions]) *adapter.Call {
	return cursor(ctx, c.a, func(ctx context.Context) (*mongo.Cursor, error) {
		return c.c.Aggregate(ctx, pipeline, opts...)
	}, cb)
}
