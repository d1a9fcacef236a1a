package integration

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/event"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/valet-go/valet/adapter"
	"github.com/valet-go/valet/backends/mongo"
	"github.com/valet-go/valet/loop"
)

func TestMongoTransaction(t *testing.T) {
	for _, test := range []struct {
		name string
		run  func(*testing.T, *wireEnv)
	}{
		{"it is committed, or aborted", testMongoTransactionEnds},
		{"what comes after end does not count", testMongoTransactionAfterEnd},
		{"steps that panic abort it", testMongoTransactionPanic},
		{"an error that passes runs the steps again", testMongoTransactionTransient},
		{"a commit of unknown outcome is tried again", testMongoTransactionUnknown},
		{"a context that ends aborts it", testMongoTransactionContext},
		{"a context that ends keeps steps from running again", testMongoTransactionNoRetry},
		{"a commit is not killed", testMongoTransactionKillCommit},
		{"an abort is not killed", testMongoTransactionKillAbort},
		{"Disconnect in the midst ends it", testMongoTransactionDisconnect},
		{"an executor closed in the midst ends it", testMongoTransactionExecutorClosed},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWireEnv(t, 1)
			w.insertRange(0, 1) // makes the collection
			test.run(t, w)
		})
	}
}

// transaction starts one of a session of its own, which it ends.
func (w *wireEnv) transaction(ctx context.Context, steps func(ctx context.Context, end func(error))) *pending[struct{}] {
	w.t.Helper()
	sess, _ := w.session()
	return begin(w.env, void(func(cb func(error)) *adapter.Call { return sess.Transaction(ctx, steps, cb) }))
}

// insertOne is a step.
func (w *wireEnv) insertOne(ctx context.Context, id int, then func(error)) {
	w.coll.InsertOne(ctx, numbered{ID: id}, func(_ *mongo.InsertOneResult, err error) { then(err) })
}

func testMongoTransactionEnds(t *testing.T, w *wireEnv) {
	w.transaction(bg, func(ctx context.Context, end func(error)) {
		w.insertOne(ctx, 1, func(err error) {
			if err != nil {
				end(err)
				return
			}
			w.insertOne(ctx, 2, end)
		})
	}).must()
	if n := w.count(); n != 3 {
		t.Errorf("%d documents after the commit, want 3", n)
	}
	no := errors.New("no")
	w.transaction(bg, func(ctx context.Context, end func(error)) {
		w.insertOne(ctx, 3, func(err error) { end(errors.Join(no, err)) })
	}).failsWith(no)
	w.transaction(bg, func(_ context.Context, end func(error)) { end(no) }).failsWith(no) // before anything
	w.transaction(bg, func(_ context.Context, end func(error)) { end(nil) }).must()
	w.transaction(bg, func(ctx context.Context, end func(error)) { // an error of the server's
		w.insertOne(ctx, 0, end)
	}).fails()
	if n := w.count(); n != 3 {
		t.Errorf("%d documents after the aborts, want 3", n)
	}
}

func testMongoTransactionAfterEnd(t *testing.T, w *wireEnv) {
	for _, policy := range []adapter.CancelPolicy{adapter.Close, adapter.Abandon, adapter.Kill} {
		own := w.with(options.Client(), mongo.WithCalls(adapter.WithCancel(policy)))
		before := w.count()
		var late, later error
		var came atomic.Int32
		own.transaction(bg, func(ctx context.Context, end func(error)) {
			id := 10 + 10*int(policy)
			own.insertOne(ctx, id, func(err error) { // runs before the end that comes behind it
				if err != nil {
					t.Error(err)
				}
			})
			end(nil)
			end(errors.New("too late"))
			own.insertOne(ctx, id+1, func(err error) { late = err; came.Add(1) })
			go own.l.Post(func() { own.insertOne(ctx, id+2, func(err error) { later = err; came.Add(1) }) })
		}).must()
		eventually(t, "both calls call back", func() bool { return came.Load() == 2 })
		if !errors.Is(late, context.Canceled) || !errors.Is(later, context.Canceled) {
			t.Errorf("%v: calls after end got %v and %v", policy, late, later)
		}
		if n := w.count(); n != before+1 {
			t.Errorf("%v: %d documents were inserted, want 1", policy, n-before)
		}
	}
}

func testMongoTransactionPanic(t *testing.T, w *wireEnv) {
	panics := make(chan any, 1)
	l, err := loop.Start(bg, loop.WithPanicHandler(func(v any, _ []byte) { panics <- v }))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	sess, err := w.client.On(l).StartSession()
	if err != nil {
		t.Fatal(err)
	}
	p := beginOn(w.env, l, void(func(cb func(error)) *adapter.Call {
		return sess.Transaction(bg, func(ctx context.Context, _ func(error)) {
			w.insertOne(ctx, 1, func(error) {})
			panic("at the disco")
		}, cb)
	}))
	p.fails()
	if v := await(t, panics); v != "at the disco" {
		t.Errorf("the executor heard of the panic %v", v)
	}
	beginOn(w.env, l, void(func(cb func(error)) *adapter.Call { return sess.EndSession(bg, cb) })).must()
	if n := w.count(); n != 1 {
		t.Errorf("%d documents, want 1", n)
	}
}

func testMongoTransactionTransient(t *testing.T, w *wireEnv) {
	for _, how := range []bson.M{
		{"failCommands": bson.A{"insert"}, "errorCode": 112, "errorLabels": bson.A{"TransientTransactionError"}},
		{"failCommands": bson.A{"insert"}, "closeConnection": true},
		{"failCommands": bson.A{"commitTransaction"}, "errorCode": 251, "errorLabels": bson.A{"TransientTransactionError"}},
	} {
		before := w.count()
		tries := 0
		w.fail(0, times(2), how)
		w.transaction(bg, func(ctx context.Context, end func(error)) {
			tries++
			w.insertOne(ctx, 100+int(before), end)
		}).must()
		if n := w.count() - before; n != 1 || tries != 3 {
			t.Errorf("%v: %d documents were inserted in %d tries, want 1 in 3", how, n, tries)
		}
	}
}

func testMongoTransactionUnknown(t *testing.T, w *wireEnv) {
	for i, how := range []bson.M{
		{"failCommands": bson.A{"commitTransaction"}, "errorCode": 64, "errorLabels": bson.A{"UnknownTransactionCommitResult"}},
		{"failCommands": bson.A{"commitTransaction"}, "closeConnection": true},
		{"failCommands": bson.A{"commitTransaction"}, "writeConcernError": bson.M{"code": 64, "errmsg": "waiting for replication timed out"}},
	} {
		tries := 0
		w.fail(0, times(2), how)
		w.transaction(bg, func(ctx context.Context, end func(error)) {
			tries++
			w.insertOne(ctx, 1+i, end)
		}).must()
		if n := w.count(); n != int64(2+i) || tries != 1 {
			t.Errorf("%v: there are %d documents after %d tries of the steps, want %d after 1", how, n, tries, 2+i)
		}
	}
}

func testMongoTransactionContext(t *testing.T, w *wireEnv) {
	for _, policy := range []adapter.CancelPolicy{adapter.Close, adapter.Kill} {
		own := w.with(options.Client(), mongo.WithCalls(adapter.WithCancel(policy)))
		// While a step waits for the server.
		tries := 0
		w.fail(0, times(1), bson.M{"failCommands": bson.A{"insert"}, "blockConnection": true, "blockTimeMS": block.Milliseconds()})
		ctx, cancel := context.WithCancel(bg)
		p := own.transaction(ctx, func(ctx context.Context, end func(error)) {
			tries++
			own.insertOne(ctx, 1, end)
		})
		eventually(t, "the server is asked", func() bool { return len(w.running("insert")) == 1 })
		cancel()
		p.failsWith(context.Canceled)
		// While nothing happens.
		ctx, cancel = context.WithTimeout(bg, 50*time.Millisecond)
		p = own.transaction(ctx, func(ctx context.Context, _ func(error)) {
			own.insertOne(ctx, 2, func(error) {})
		})
		p.failsWith(context.DeadlineExceeded)
		cancel()
		if tries != 1 {
			t.Errorf("%v: the steps ran %d times, want once", policy, tries)
		}
		eventually(t, "no transaction is open", func() bool { return w.status(0).Transactions.CurrentOpen == 0 })
		if n := w.count(); n != 1 {
			t.Errorf("%v: %d documents, want 1", policy, n)
		}
	}
}

// testMongoTransactionNoRetry ends the context of steps that could run again.
func testMongoTransactionNoRetry(t *testing.T, w *wireEnv) {
	ctx, cancel := context.WithCancel(bg)
	defer cancel()
	tries := 0
	w.transaction(ctx, func(_ context.Context, end func(error)) {
		if tries++; tries == 1 {
			cancel()
		}
		end(mongo.CommandError{Labels: []string{"TransientTransactionError"}})
	}).failsWith(context.Canceled)
	if tries != 1 {
		t.Errorf("the steps ran %d times, want once", tries)
	}
}

func testMongoTransactionKillCommit(t *testing.T, w *wireEnv) {
	own := w.with(options.Client(), mongo.WithCalls(adapter.WithCancel(adapter.Kill)))
	w.fail(0, times(1), bson.M{"failCommands": bson.A{"commitTransaction"}, "blockConnection": true, "blockTimeMS": 300})
	p := own.transaction(bg, func(ctx context.Context, end func(error)) { own.insertOne(ctx, 1, end) })
	eventually(t, "the server is asked", func() bool {
		return len(w.operations(0, bson.M{"command.commitTransaction": bson.M{"$exists": true}})) == 1
	})
	p.Cancel()
	if _, err := p.wait(); err != nil {
		t.Errorf("the commit that was cancelled gave %v", err)
	}
	if n := w.count(); n != 2 {
		t.Errorf("%d documents, want 2", n)
	}
}

func testMongoTransactionKillAbort(t *testing.T, w *wireEnv) {
	own := w.with(options.Client(), mongo.WithCalls(adapter.WithCancel(adapter.Kill)))
	w.fail(0, times(1), bson.M{"failCommands": bson.A{"abortTransaction"}, "blockConnection": true, "blockTimeMS": 300})
	no := errors.New("no")
	p := own.transaction(bg, func(ctx context.Context, end func(error)) { own.insertOne(ctx, 1, func(error) { end(no) }) })
	eventually(t, "the server is asked", func() bool {
		return len(w.operations(0, bson.M{"command.abortTransaction": bson.M{"$exists": true}})) == 1
	})
	p.Cancel()
	p.failsWith(no)
	if n := w.status(0).Transactions.CurrentOpen; n != 0 {
		t.Errorf("%d transactions are open", n)
	}
}

func testMongoTransactionDisconnect(t *testing.T, w *wireEnv) {
	for _, blocked := range []bool{false, true} {
		own := w.with(options.Client())
		if blocked {
			w.fail(0, times(1), bson.M{"failCommands": bson.A{"insert"}, "blockConnection": true, "blockTimeMS": block.Milliseconds()})
		}
		begun := make(chan struct{}, 1)
		sess, err := own.client.StartSession()
		if err != nil {
			t.Fatal(err)
		}
		p := begin(w.env, void(func(cb func(error)) *adapter.Call {
			return sess.Transaction(bg, func(ctx context.Context, _ func(error)) {
				own.insertOne(ctx, 1, func(error) {})
				begun <- struct{}{}
			}, cb)
		}))
		await(t, begun)
		ctx, cancel := context.WithTimeout(bg, 100*time.Millisecond)
		err = begin(w.env, finish(func(cb func(error)) { own.client.Disconnect(ctx, cb) })).fails()
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Disconnect: %v", err)
		}
		p.failsWith(adapter.ErrClosed)
		cancel()
		eventually(t, "no call is left", func() bool { return len(own.client.Adapter().Calls(100)) == 0 })
		must(w.env, void(func(cb func(error)) *adapter.Call { return sess.EndSession(bg, cb) }))
		w.killSessions() // the driver could no longer tell the server
	}
}

// testMongoTransactionExecutorClosed loses the callback that would call end.
func testMongoTransactionExecutorClosed(t *testing.T, w *wireEnv) {
	l := startLoop(t)
	own := w.with(options.Client())
	sess, err := own.client.On(l).StartSession()
	if err != nil {
		t.Fatal(err)
	}
	begun := make(chan struct{}, 1)
	call := sess.Transaction(bg, func(ctx context.Context, end func(error)) {
		w.fail(0, times(1), bson.M{"failCommands": bson.A{"insert"}, "blockConnection": true, "blockTimeMS": 50})
		own.coll.On(l).InsertOne(ctx, numbered{ID: 1}, func(_ *mongo.InsertOneResult, err error) { end(err) })
		begun <- struct{}{}
	}, func(error) {})
	await(t, begun)
	l.Close()
	await(t, call.Done())
	eventually(t, "no call is left", func() bool { return len(own.client.Adapter().Calls(100)) == 0 })
	await(t, sess.EndSession(bg, nil).Done())
	if n := w.count(); n != 1 {
		t.Errorf("%d documents, want 1", n)
	}
}

// commands counts the commands that a client sends.
type commands struct{ sent, answered, failed atomic.Int64 }

func (c *commands) monitor() *event.CommandMonitor {
	return &event.CommandMonitor{
		Started:   func(context.Context, *event.CommandStartedEvent) { c.sent.Add(1) },
		Succeeded: func(context.Context, *event.CommandSucceededEvent) { c.answered.Add(1) },
		Failed:    func(context.Context, *event.CommandFailedEvent) { c.failed.Add(1) },
	}
}
