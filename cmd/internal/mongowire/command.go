package mongowire

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"
)

// command is how a command is executed and where it may be. run appends the
// elements of its reply to r.out, all but ok and the times. It returns its error,
// or panics with it.
type command struct {
	name   string
	run    handler
	write  bool // only by a primary
	read   bool // by a secondary if the read preference allows it
	txn    bool // within a transaction
	locked bool // run is called under the member's mutex
}

type handler = func(r *request) error

// serverVersion is the one whose wire version hello tells.
const serverVersion = "8.0.0"

// commands are all commands by name.
var commands = map[string]command{}

func init() {
	add := func(as command, some map[string]handler) {
		for as.name, as.run = range some {
			commands[as.name] = as
		}
	}
	add(command{locked: true, read: true, txn: true}, map[string]handler{"find": find, "distinct": distinct, "aggregate": aggregate})
	add(command{locked: true, read: true}, map[string]handler{
		"count": count, "listCollections": listCollections, "listDatabases": listDatabases, "listIndexes": listIndexes,
	})
	add(command{locked: true, txn: true}, map[string]handler{"getMore": getMore, "killCursors": killCursors})
	add(command{locked: true, write: true, txn: true}, map[string]handler{
		"insert": write, "update": write, "delete": write, "findAndModify": findAndModify, "bulkWrite": bulkWrite,
		"create": create, "createIndexes": createIndexes, "commitTransaction": commitTransaction, "abortTransaction": abortTransaction,
	})
	add(command{locked: true, write: true}, map[string]handler{
		"drop": drop, "dropDatabase": dropDatabase, "renameCollection": rename, "dropIndexes": dropIndexes,
		"createSearchIndexes": createSearchIndexes, "updateSearchIndex": changeSearchIndex, "dropSearchIndex": changeSearchIndex,
	})
	add(command{locked: true}, map[string]handler{
		"serverStatus": serverStatus, "ping": says(), "refreshSessions": says(), "getParameter": says("enableTestCommands", true),
		"connectionStatus": says("authInfo", object("authenticatedUsers", bson.A{})),
		"buildInfo":        says("version", serverVersion, "versionArray", []int32{8, 0, 0, 0}),
	})
	for name, c := range setCommands {
		c.name = name
		commands[name] = c
	}
}

// says is a command that always replies the same.
func says(pairs ...any) handler {
	return func(r *request) error { return r.reply(object(pairs...)) }
}

func unknown(r *request) error {
	return failure(59, "CommandNotFound", "no such command: '%s'", r.name)
}

func serverStatus(r *request) error {
	open := 0
	for _, s := range r.m.sessions {
		if s.txn.open() {
			open++
		}
	}
	return r.reply(object("host", r.m.addr, "version", serverVersion, "process", "mongod",
		"connections", object("current", len(r.m.conns)), "transactions", object("currentOpen", open),
		"metrics", object("cursor", object("open", object("total", len(r.m.cursors))))))
}

// cmdError is an error with a server's code. extra are more elements of the
// write error or reply that it becomes.
type cmdError struct {
	code      int32
	name, msg string
	extra     bson.D
}

func (e *cmdError) Error() string { return fmt.Sprintf("(%s) %s", e.name, e.msg) }

func failure(code int32, name, format string, args ...any) *cmdError {
	return &cmdError{code: code, name: name, msg: fmt.Sprintf(format, args...)}
}

// asError is the error as a server tells it.
func asError(err error) *cmdError {
	var e *cmdError
	if !errors.As(err, &e) {
		e = failure(8, "UnknownError", "%v", err)
	}
	return e
}

// raise panics with an error, if it is one.
func raise(err error) {
	if err != nil {
		panic(asError(err))
	}
}

// try is a function's result, unless it returned an error.
func try[T any](v T, err error) T {
	raise(err)
	return v
}

// Why requests end early.
var (
	errShutdown     = failure(11600, "InterruptedAtShutdown", "interrupted at shutdown")
	errDisconnected = failure(279, "ClientDisconnect", "the client has gone")
	errMaxTime      = failure(50, "MaxTimeMSExpired", "operation exceeded time limit")
)

// run executes the command and completes the reply's document.
func (r *request) run() {
	if ms := r.num("maxTimeMS", 0); ms > 0 && r.name != "getMore" {
		ctx, cancel := context.WithTimeoutCause(r.ctx, time.Duration(ms)*time.Millisecond, errMaxTime)
		defer cancel()
		r.ctx = ctx
	}
	_, r.out = bsoncore.AppendDocumentStart(r.out)
	if err := r.execute(); err != nil { // instead of what the handler may have appended
		e := asError(err)
		r.out = appendD(r.out[:r.start+4], object("ok", 0.0, "errmsg", e.msg, "code", e.code, "codeName", e.name))
		r.out = appendD(appendD(r.out, e.extra), r.circumstances(e.code, false))
	} else {
		r.out = bsoncore.AppendDoubleElement(r.out, "ok", 1)
	}
	if r.m.d.o.Members > 0 {
		r.m.mu.Lock()
		t := r.m.last
		r.m.mu.Unlock()
		r.out = bsoncore.AppendTimestampElement(r.out, "operationTime", t.T, t.I)
		i, out := bsoncore.AppendDocumentElementStart(r.out, "$clusterTime")
		r.out, _ = bsoncore.AppendDocumentEnd(bsoncore.AppendTimestampElement(out, "clusterTime", t.T, t.I), i)
	}
	r.out, _ = bsoncore.AppendDocumentEnd(r.out, int32(r.start))
}

// execute decides whether the command may run, and runs it.
func (r *request) execute() error {
	if err := r.failPoint(); err != nil || r.hangUp {
		return err
	}
	err := r.executeLocked()
	if err == nil && r.cmd.write {
		r.awaitConcern() // of a replayed write too, which may be another primary's that told nobody but this one
	}
	return err
}

func (r *request) executeLocked() (err error) {
	r.m.mu.Lock()
	defer r.m.mu.Unlock()
	defer func() {
		if r.txn != nil && r.name != "commitTransaction" && (err != nil || r.failed) {
			r.m.abortLocked(r.txn)
		}
		r.rememberLocked()
	}()
	defer catch(&err)
	r.awaitTimeLocked()
	raise(r.m.roleLocked(r))
	if r.enterLocked(); r.cmd.locked {
		return r.cmd.run(r)
	}
	r.m.mu.Unlock()
	defer r.m.mu.Lock()
	return r.cmd.run(r)
}

// object makes a document of names and values.
func object(pairs ...any) bson.D {
	d := make(bson.D, 0, len(pairs)/2)
	for i := 0; i < len(pairs); i += 2 {
		d = append(d, bson.E{Key: pairs[i].(string), Value: pairs[i+1]})
	}
	return d
}

// toRaw encodes a document that this package made.
func toRaw(d bson.D) bson.Raw {
	raw, err := bson.Marshal(d)
	if err != nil {
		panic("mongowire: a reply that is not BSON: " + err.Error())
	}
	return raw
}

// appendD appends the elements of a document that this package made.
func appendD(out []byte, d bson.D) []byte {
	if len(d) == 0 {
		return out
	}
	raw := toRaw(d)
	return append(out, raw[4:len(raw)-1]...)
}

// reply appends the elements of d to the reply.
func (r *request) reply(d bson.D) error {
	r.out = appendD(r.out, d)
	return nil
}
