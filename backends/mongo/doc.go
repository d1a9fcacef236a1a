// Package mongo is the MongoDB driver go.mongodb.org/mongo-driver/v2 under
// callbacks. The driver is unmodified; all its sockets, those of its monitors
// included, are package fakesock's.
//
//	client, err := mongo.Open(a, options.Client().ApplyURI(uri))
//	...
//	hits := client.Database("app").Collection("hits")
//	hits.InsertOne(ctx, bson.M{"x": 1}, func(res *mongo.InsertOneResult, err error) {
//		...
//	})
//
// Each method of the driver's that would block takes a callback instead, after
// its fixed parameters and before its options, and returns a [*adapter.Call];
// Disconnect and Each return nothing.
// Results, options and errors are the driver's own.
//
// # Goroutines
//
// Every method may be called from any goroutine, and none blocks. Callbacks run
// on the executor of the adapter, or the one given to On.
//
// # Lifetimes
//
// A call's context bounds that call. A cursor lives until its end has been
// read, an error came, or it is closed, whatever the context of the call that
// made it.
package mongo
