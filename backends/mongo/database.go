package mongo

import (
	"context"

	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/valet-go/valet/adapter"
	"github.com/valet-go/valet/loop"
)

// Database is a handle for a database.
type Database struct {
	a  *adapter.Adapter
	db *mongo.Database
}

// On returns a view of the database whose callbacks run on exec.
func (db *Database) On(exec loop.Executor) *Database { return &Database{db.a.On(exec), db.db} }

// Unwrap returns the driver's database.
func (db *Database) Unwrap() *mongo.Database { return db.db }

// Name returns the database's name.
func (db *Database) Name() string { return db.db.Name() }

// Collection returns a handle for the collection. It does not block.
func (db *Database) Collection(name string, opts ...options.Lister[options.CollectionOptions]) *Collection {
	return &Collection{db.a, db.db.Collection(name, opts...)}
}

// RunCommand is [mongo.Database.RunCommand]. An error that the server reports
// comes as err.
func (db *Database) RunCommand(ctx context.Context, command any, cb func(*SingleResult, error), opts ...options.Lister[options.RunCmdOptions]) *adapter.Call {
	return single(ctx, db.a, func(ctx context.Context) *SingleResult {
		return db.db.RunCommand(ctx, command, opts...)
	}, cb)
}

// Aggregate is [mongo.Database.Aggregate].
func (db *Database) Aggregate(ctx context.Context, pipeline any, cb func(*Cursor, error), opts ...options.Lister[options.AggregateOptions]) *adapter.Call {
	return cursor(ctx, db.a, func(ctx context.Context) (*mongo.Cursor, error) {
		return db.db.Aggregate(ctx, pipeline, opts...)
	}, cb)
}

// single starts a call with a result of one document, or none.
func single(ctx context.Context, a *adapter.Adapter, f func(context.Context) *SingleResult, cb func(*SingleResult, error)) *adapter.Call {
	return adapter.Go(ctx, a, func(ctx context.Context) (*SingleResult, error) {
		res := f(ctx)
		// Err reads the document, so that Decode will not have to.
		return res, res.Err()
	}, cb)
}
