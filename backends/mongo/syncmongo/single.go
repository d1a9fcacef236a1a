package syncmongo

import (
	"context"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/valet-go/valet/adapter"
)

// What gives a result that has the error is written by hand, because the result
// must have the adapter's errors, too.

// single waits for a result.
func single(start func(cb func(*mongo.SingleResult, error))) *mongo.SingleResult {
	res, err := adapter.Wait(start)
	if res == nil { // the adapter's error
		res = mongo.NewSingleResultFromDocument(bson.D{}, err, nil)
	}
	return res
}

// FindOne is [mongo.Collection.FindOne].
func (coll *Collection) FindOne(ctx context.Context, filter any, opts ...options.Lister[options.FindOneOptions]) *mongo.SingleResult {
	return single(func(cb func(*mongo.SingleResult, error)) { coll.x.FindOne(ctx, filter, cb, opts...) })
}

// FindOneAndDelete is [mongo.Collection.FindOneAndDelete].
func (coll *Collection) FindOneAndDelete(ctx context.Context, filter any, opts ...options.Lister[options.FindOneAndDeleteOptions]) *mongo.SingleResult {
	return single(func(cb func(*mongo.SingleResult, error)) { coll.x.FindOneAndDelete(ctx, filter, cb, opts...) })
}

// FindOneAndReplace is [mongo.Collection.FindOneAndReplace].
func (coll *Collection) FindOneAndReplace(ctx context.Context, filter, replacement any, opts ...options.Lister[options.FindOneAndReplaceOptions]) *mongo.SingleResult {
	return single(func(cb func(*mongo.SingleResult, error)) {
		coll.x.FindOneAndReplace(ctx, filter, replacement, cb, opts...)
	})
}

// FindOneAndUpdate is [mongo.Collection.FindOneAndUpdate].
func (coll *Collection) FindOneAndUpdate(ctx context.Context, filter, update any, opts ...options.Lister[options.FindOneAndUpdateOptions]) *mongo.SingleResult {
	return single(func(cb func(*mongo.SingleResult, error)) {
		coll.x.FindOneAndUpdate(ctx, filter, update, cb, opts...)
	})
}

// RunCommand is [mongo.Database.RunCommand].
func (d *Database) RunCommand(ctx context.Context, runCommand any, opts ...options.Lister[options.RunCmdOptions]) *mongo.SingleResult {
	return single(func(cb func(*mongo.SingleResult, error)) { d.x.RunCommand(ctx, runCommand, cb, opts...) })
}

// DistinctResult is [mongo.DistinctResult], or the adapter's error.
type DistinctResult struct {
	x   *mongo.DistinctResult
	err error
}

// Distinct is [mongo.Collection.Distinct].
func (coll *Collection) Distinct(ctx context.Context, fieldName string, filter any, opts ...options.Lister[options.DistinctOptions]) *DistinctResult {
	x, err := adapter.Wait(func(cb func(*mongo.DistinctResult, error)) {
		coll.x.Distinct(ctx, fieldName, filter, cb, opts...)
	})
	if x == nil { // the adapter's error
		x = &mongo.DistinctResult{}
	}
	return &DistinctResult{x, err}
}

// Err is [mongo.DistinctResult.Err].
func (dr *DistinctResult) Err() error { return dr.err }

// Decode is [mongo.DistinctResult.Decode]. Like that it has an error of its own
// if Err has one.
func (dr *DistinctResult) Decode(v any) error { return dr.x.Decode(v) }

// Raw is [mongo.DistinctResult.Raw].
func (dr *DistinctResult) Raw() (bson.RawArray, error) {
	if dr.err != nil {
		return nil, dr.err
	}
	return dr.x.Raw()
}
