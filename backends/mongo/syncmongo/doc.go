// Package syncmongo is MongoDB's driver once more: its types have the same
// methods, with the same signatures, but each call goes through backends/mongo,
// as a call with a callback, and is waited for. With it a program or a test suite
// that was written for the driver runs through callbacks, to see that they do
// what it expects.
//
//	client := syncmongo.NewClient(asyncClient) // a *mongo.Client of backends/mongo
//	cur, err := client.Database("app").Collection("users").Find(ctx, bson.D{})
//	for cur.Next(ctx) {
//		err := cur.Decode(&user)
//	}
//
// Every method may be called from the goroutines that may call the driver's, and
// blocks. On the goroutine of a loop or front end, which would wait for itself,
// it fails with [github.com/valet-go/valet/loop.ErrWouldBlockLoop].
//
// # What differs
//
// A context that has ended starts nothing: the error is the context's own, where
// the driver may wrap it, or may serve what it has in memory. A cursor that has
// failed, or whose context has ended while it was read, is closed.
// [Cursor.All] decodes into new elements. After [Client.Disconnect] calls fail
// with [github.com/valet-go/valet/adapter.ErrClosed]. A call that cannot be
// started, because its backend has too many that wait, fails with
// [github.com/valet-go/valet/adapter.ErrOverloaded]. A session is given to a
// context by this package's [NewSessionContext].
package syncmongo
