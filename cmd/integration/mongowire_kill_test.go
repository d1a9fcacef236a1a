package integration

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readconcern"
	"go.mongodb.org/mongo-driver/v2/mongo/readpref"

	"github.com/valet-go/valet/adapter"
	"github.com/valet-go/valet/backends/mongo"
)

func TestMongoKill(t *testing.T) {
	for _, test := range []struct {
		name    string
		members int
		run     func(*testing.T, *wireEnv)
	}{
		{"a killed call leaves its connection usable", 1, testMongoKillKinds},
		{"what a body asks can be killed", 1, testMongoKillBody},
		{"a getMore that waits can be killed", 1, testMongoKillTailable},
		{"whatever the client's options are", 3, testMongoKillOptions},
		{"a monitor of the user's sees all", 1, testMongoKillMonitor},
		{"Disconnect in the midst of a kill", 1, testMongoKillDisconnect},
		{"a server that does not know how has its connection closed", 1, testMongoKillRefused},
		{"a late kill hits nobody", 1, testMongoKillRace},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWireEnv(t, test.members)
			w.fill(350)
			test.run(t, w)
		})
	}
}

// blocks makes the next of these commands last that the client sends.
func (w *wireEnv) blocks(command string) {
	w.t.Helper()
	for i := range w.members {
		w.fail(i, times(1), bson.M{"failCommands": bson.A{command}, "appName": appName, "blockConnection": true, "blockTimeMS": block.Milliseconds()})
	}
}

// wantKilled waits until the server runs the command, and then checks that
// cancelling p ends that, with the errors that this must have.
func (w *wireEnv) wantKilled(command string, cancel func(), p interface{ fails() error }) {
	w.t.Helper()
	eventually(w.t, "the server runs "+command, func() bool { return len(w.running(command)) == 1 })
	began := time.Now()
	cancel()
	eventually(w.t, "the server has stopped "+command, func() bool { return len(w.running(command)) == 0 })
	w.t.Logf("%s stopped after %v", command, time.Since(began))
	err := p.fails()
	if !errors.Is(err, context.Canceled) || !interrupted(err) {
		w.t.Errorf("%s: the error is %v, want that it was cancelled, and number 11601 in it", command, err)
	}
}

// interrupted reports whether the error is the server's of a killed operation.
func interrupted(err error) bool {
	answer := driver.ServerError(nil)
	return errors.As(err, &answer) && answer.HasErrorCode(11601)
}

func testMongoKillKinds(t *testing.T, w *wireEnv) {
	w = w.killing()
	id := w.connection()
	type cancelled interface {
		Cancel() bool
		fails() error
	}
	for command, start := range map[string]func() cancelled{
		"find":   func() cancelled { return w.findIn(bg) },
		"insert": func() cancelled { return w.beginInsert(bg, numbered{ID: 1000}) },
		"aggregate": func() cancelled {
			return begin(w.env, func(cb func(*mongo.Cursor, error)) *adapter.Call { return w.coll.Aggregate(bg, bson.A{}, cb) })
		},
		"distinct": func() cancelled {
			return begin(w.env, func(cb func(*mongo.DistinctResult, error)) *adapter.Call {
				return w.coll.Distinct(bg, "label", bson.M{}, cb)
			})
		},
		"findAndModify": func() cancelled {
			return begin(w.env, func(cb func(*mongo.SingleResult, error)) *adapter.Call {
				return w.coll.FindOneAndDelete(bg, bson.M{"_id": 1}, cb)
			})
		},
		"update": func() cancelled {
			return begin(w.env, func(cb func(*mongo.UpdateResult, error)) *adapter.Call {
				return w.coll.UpdateMany(bg, bson.M{}, bson.M{"$set": bson.M{"label": "killed"}}, cb)
			})
		},
		"delete": func() cancelled {
			return begin(w.env, func(cb func(*mongo.DeleteResult, error)) *adapter.Call { return w.coll.DeleteMany(bg, bson.M{}, cb) })
		},
	} {
		w.blocks(command)
		p := start()
		w.wantKilled(command, func() { p.Cancel() }, p)
		if now := w.connection(); now != id {
			t.Errorf("after %s: connection %d, want %d again", command, now, id)
		}
	}
	for _, r := range readers {
		c := w.found()
		w.blocks("getMore")
		ctx, cancel := context.WithCancel(bg)
		p := r.read(w, ctx, c, func() {})
		w.wantKilled("getMore", cancel, p)
		eventually(t, "no cursor is open after "+r.name, func() bool { return w.cursors() == 0 })
		if now := w.connection(); now != id {
			t.Errorf("after %s: connection %d, want %d again", r.name, now, id)
		}
	}
	if n := w.count(); n != 350 {
		t.Errorf("%d documents are left, want 350", n)
	}
}

func testMongoKillBody(t *testing.T, w *wireEnv) {
	w = w.killing()
	id := w.connection()
	coll := w.coll.Unwrap()
	w.blocks("find")
	p := begin(w.env, func(cb func(int, error)) *adapter.Call {
		return adapter.Go(bg, w.client.Adapter(), func(ctx context.Context) (int, error) {
			if n, err := coll.CountDocuments(ctx, bson.M{}); n != 350 || err != nil {
				t.Errorf("counted %d, %v", n, err)
			}
			return 0, coll.FindOne(ctx, bson.M{}).Err()
		}, cb)
	})
	w.wantKilled("find", func() { p.Cancel() }, p)
	if now := w.connection(); now != id {
		t.Errorf("connection %d, want %d again", now, id)
	}
}

func testMongoKillTailable(t *testing.T, w *wireEnv) {
	w = w.killing()
	w.coll = w.client.Database("valet").Collection(w.coll.Name() + "_capped")
	must(w.env, void(func(cb func(error)) *adapter.Call {
		return w.client.Database("valet").CreateCollection(bg, w.coll.Name(), cb, options.CreateCollection().SetCapped(true).SetSizeInBytes(1<<20))
	}))
	w.beginInsert(bg, bson.M{}).must()
	id := w.connection()
	for range 3 {
		c := w.findIn(bg, options.Find().SetCursorType(options.TailableAwait).SetMaxAwaitTime(time.Hour)).must()
		w.nexts(c.Next, 1)
		p := begin(w.env, func(cb func(bson.Raw, error)) *adapter.Call { return c.Next(bg, cb) })
		w.wantKilled("getMore", func() { p.Cancel() }, p)
		eventually(t, "no cursor is open", func() bool { return w.cursors() == 0 })
		if now := w.connection(); now != id {
			t.Errorf("connection %d, want %d again", now, id)
		}
	}
}

// testMongoKillOptions has a client with options that the killer must not share.
func testMongoKillOptions(t *testing.T, w *wireEnv) {
	// The members have to know what is read.
	eventually(t, "all members have all documents", func() bool {
		for _, c := range w.watchers {
			if n, err := c.Database("valet").Collection(w.coll.Name()).CountDocuments(bg, bson.M{}); err != nil || n != 350 {
				return false
			}
		}
		return true
	})
	own := w.with(options.Client().SetAppName(appName).SetReadConcern(readconcern.Majority()).SetReadPreference(readpref.Secondary()).
		SetBSONOptions(&options.BSONOptions{UseJSONStructTags: true}).SetMinPoolSize(1).SetServerAPIOptions(options.ServerAPI(options.ServerAPIVersion1).SetStrict(true)),
		mongo.WithCalls(adapter.WithCancel(adapter.Kill), adapter.WithGrace(patience)))
	own.blocks("find")
	p := own.findIn(bg)
	own.wantKilled("find", func() { p.Cancel() }, p)
	for i := range w.members {
		w.fail(i, "off", bson.M{})
	}
}

func testMongoKillMonitor(t *testing.T, w *wireEnv) {
	var seen commands
	own := w.with(one().SetAppName(appName).SetMonitor(seen.monitor()), mongo.WithCalls(adapter.WithCancel(adapter.Kill), adapter.WithGrace(patience)))
	own.beginInsert(bg, numbered{ID: 500}).must()
	own.blocks("find")
	p := own.findIn(bg)
	own.wantKilled("find", func() { p.Cancel() }, p)
	own.beginCommand(bg, bson.M{"ping": 1}).must()
	if sent, answered, failed := seen.sent.Load(), seen.answered.Load(), seen.failed.Load(); sent != 3 || answered != 2 || failed != 1 {
		t.Errorf("%d commands were sent, %d answered, %d failed; want 3, 2 and 1, and none of the killer's", sent, answered, failed)
	}
}

func testMongoKillDisconnect(t *testing.T, w *wireEnv) {
	for _, late := range []bool{false, true} { // the kill is under way, or comes with Disconnect
		own := w.killing()
		own.blocks("find")
		p := own.findIn(bg)
		eventually(t, "the server is asked", func() bool { return len(w.running("find")) == 1 })
		if !late {
			p.Cancel()
		}
		ctx, cancel := context.WithTimeout(bg, 200*time.Millisecond)
		_, err := begin(w.env, finish(func(cb func(error)) { own.client.Disconnect(ctx, cb) })).wait()
		cancel()
		if late {
			p.failsWith(adapter.ErrClosed)
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("Disconnect: %v", err)
			}
		} else if why := p.fails(); !errors.Is(why, context.Canceled) && !errors.Is(why, adapter.ErrClosed) {
			t.Errorf("the call got %v", why)
		}
		eventually(t, "the server has stopped", func() bool { return len(w.running("find")) == 0 })
	}
}

func testMongoKillRefused(t *testing.T, w *wireEnv) {
	own := w.killing()
	id := own.connection()
	own.blocks("find")
	p := own.findIn(bg)
	eventually(t, "the server is asked", func() bool { return len(w.running("find")) == 1 })
	w.fail(0, "alwaysOn", bson.M{"failCommands": bson.A{"killOp"}, "errorCode": 13})
	p.Cancel()
	err := p.fails()
	if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "adapter: killing: ") {
		t.Errorf("got %v, want that it was cancelled, and why the kill was refused", err)
	}
	eventually(t, "the server has stopped", func() bool { return len(w.running("find")) == 0 })
	w.fail(0, "off", bson.M{})
	if now := own.connection(); now == id {
		t.Errorf("connection %d is used again", now)
	}
}
