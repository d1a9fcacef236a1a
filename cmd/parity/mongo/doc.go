// Package mongo holds one body of tests, which is run twice: on MongoDB's driver
// itself, and on the callbacks of backends/mongo, which
// backends/mongo/syncmongo waits for. It has no code of its own.
//
// A scenario is a list of steps. A step calls a method by its name on whatever
// object the side has, and leaves a line of what came back: values with their
// types, errors with the types, codes, labels and messages of all that they
// wrap, and which sentinels they are. The lines of both sides must be equal, and
// so must be the commands that a monitor of the driver's saw. Where they may not
// be, the step names one of the differences in difference_test.go, and is
// counted; if it is equal nevertheless, that is reported, too.
//
// The suite runs against FerretDB, embedded, and against package mongowire, as a
// standalone server and as a replica set. What a server cannot do, and by which
// error it says so, is in a table in servers_test.go: such scenarios run up to
// there, and both sides must be told the same. At least nine of ten wrapped
// methods, those that docs/api-mongo.md lists, must have been called, and their
// calls heard by a hook of the adapter; the output has the count, and what is
// missing.
package mongo
