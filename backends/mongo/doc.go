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
// Disconnect and Each return nothing. All methods are there, most of them
// generated: docs/api-mongo.md lists them, with what differs and why. Results,
// options and errors are the driver's own, and so are its other exported names,
// which are here as well. Package syncmongo, below this one, has the methods as
// the driver has them.
//
// # Goroutines
//
// Every method may be called from any goroutine, and none blocks. Callbacks run
// on the executor of the adapter, or the one given to On.
//
// # Lifetimes
//
// A call's context bounds that call. A cursor, a change stream or a file lives
// until its end has been read, an error came, or it is closed, whatever the
// context of the call that made it; a session until EndSession.
//
// # Sessions
//
// What is called with a context of [NewSessionContext] belongs to the session:
//
//	sess, err := client.StartSession()
//	...
//	sess.Transaction(ctx, func(ctx context.Context, end func(error)) {
//		accounts.UpdateByID(ctx, from, bson.M{"$inc": bson.M{"money": -5}}, func(_ *mongo.UpdateResult, err error) {
//			if err != nil {
//				end(err)
//				return
//			}
//			accounts.UpdateByID(ctx, to, bson.M{"$inc": bson.M{"money": 5}}, func(_ *mongo.UpdateResult, err error) {
//				end(err)
//			})
//		})
//	}, done)
//
// # Cancelling
//
// With the policy [adapter.Close], the default, the driver closes the connection
// of an operation that is cancelled; a server of MongoDB's then stops it. With
// [adapter.Kill] the server is told to stop it, by killOp over a connection of
// its own, and the connection is kept:
//
//	mongo.Open(a, opts, mongo.WithCalls(adapter.WithCancel(adapter.Kill)))
//
// In both cases the cursors are closed of which the client has heard; one whose
// reply was lost with its connection stays until the server finds it idle.
// What ends a transaction or a cursor is not killed. Killing works for clients that
// Open has made with this policy, in all bodies of the client's calls, and not
// through a load balancer. The driver then copies every command and reply once
// more.
package mongo

//go:generate go run github.com/valet-go/valet/cmd/asyncgen -type Client,Database,Collection,IndexView,SearchIndexView,Session,GridFSBucket -start start -rules mongo.rules -alias alias.go -table ../../docs/api-mongo.md -sync syncmongo/sync.go go.mongodb.org/mongo-driver/v2/mongo
