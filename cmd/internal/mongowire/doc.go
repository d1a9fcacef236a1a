// Package mongowire is a MongoDB server for tests and benchmarks: it speaks the
// wire protocol to an unmodified driver and keeps everything in memory.
//
//	d, err := mongowire.Start(mongowire.Options{Members: 3})
//	defer d.Close()
//	client, err := mongo.Connect(options.Client().ApplyURI(d.URI()))
//
// It is one standalone server, or the members of a replica set that elect a
// primary, replicate, step down and can be killed, and it fails on demand by
// configureFailPoint: a client meets what nobody dares to do to a deployment.
//
// It is a test instrument, not a database: no authentication, compression, disk,
// sharding, collation, views or explain. Only indexes on _id find anything; unique
// ones are enforced, an array in them being one value. A member executes one
// command at a time, but for scans of collections, which let others in between. A
// collection that is written to after a transaction began is copied first. A
// retryable command is remembered as a whole. A set's log grows for ever.
// Its members read the primary's log in memory and elect without messages: they
// are dead, paused or up to date, but never cut off from some of the others.
//
// Every exported method may be called by any goroutine.
package mongowire
