package integration

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/event"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/valet-go/valet/adapter"
	"github.com/valet-go/valet/backends/mongo"
)

// asError is errors.As for errors that are structs.
func asError[E error](err error, to *E) bool { return errors.As(err, to) }

// reader starts to read a cursor, and calls found for each document.
type reader struct {
	name string
	read func(w *wireEnv, ctx context.Context, c *mongo.Cursor, found func()) *pending[struct{}]
}

var readers = []reader{
	{"Next", func(w *wireEnv, ctx context.Context, c *mongo.Cursor, found func()) *pending[struct{}] {
		return begin(w.env, func(cb func(struct{}, error)) *adapter.Call {
			var next func(bson.Raw, error)
			next = func(_ bson.Raw, err error) {
				if err != nil {
					cb(struct{}{}, err)
					return
				}
				found()
				c.Next(ctx, next)
			}
			return c.Next(ctx, next)
		})
	}},
	{"Each", func(w *wireEnv, ctx context.Context, c *mongo.Cursor, found func()) *pending[struct{}] {
		return begin(w.env, finish(func(cb func(error)) {
			c.Each(ctx, func(bson.Raw) error { found(); return nil }, cb)
		}))
	}},
	{"typed Each", func(w *wireEnv, ctx context.Context, c *mongo.Cursor, found func()) *pending[struct{}] {
		return begin(w.env, finish(func(cb func(error)) {
			mongo.Each(ctx, c, func(numbered) error { found(); return nil }, cb)
		}))
	}},
	{"All", func(w *wireEnv, ctx context.Context, c *mongo.Cursor, _ func()) *pending[struct{}] {
		return begin(w.env, func(cb func(struct{}, error)) *adapter.Call {
			return mongo.All(ctx, c, func(_ []numbered, err error) { cb(struct{}{}, err) })
		})
	}},
	{"ToList", func(w *wireEnv, ctx context.Context, c *mongo.Cursor, _ func()) *pending[struct{}] {
		return begin(w.env, func(cb func(struct{}, error)) *adapter.Call {
			return c.ToList(ctx, 0, func(_ []bson.Raw, err error) { cb(struct{}{}, err) })
		})
	}},
}

// TestMongoCursorCancelled cancels readers before, while and after the server is
// asked for the second batch.
func TestMongoCursorCancelled(t *testing.T) {
	for _, policy := range []adapter.CancelPolicy{adapter.Close, adapter.Abandon, adapter.Kill} {
		t.Run(policy.String(), func(t *testing.T) {
			w := newWireEnv(t, 1)
			w.fill(350)
			w = w.with(options.Client().SetMaxPoolSize(2), mongo.WithCalls(adapter.WithCancel(policy)))
			for _, r := range readers {
				t.Run(r.name+" before", func(*testing.T) {
					c := w.found()
					ctx, cancel := context.WithCancel(bg)
					cancel()
					r.read(w, ctx, c, func() {}).failsWith(context.Canceled)
					must(w.env, void(c.Close))
				})
				t.Run(r.name+" during", func(t *testing.T) {
					lasts := block
					if policy == adapter.Abandon { // nobody ends it
						lasts = 50 * time.Millisecond
					}
					c := w.found()
					w.fail(0, times(1), bson.M{"failCommands": bson.A{"getMore"}, "blockConnection": true, "blockTimeMS": lasts.Milliseconds()})
					ctx, cancel := context.WithCancel(bg)
					defer cancel()
					p := r.read(w, ctx, c, func() {})
					eventually(t, "the server is asked", func() bool { return len(w.running("getMore")) == 1 })
					cancel()
					p.failsWith(context.Canceled)
					eventually(t, "the server has stopped", func() bool { return len(w.running("getMore")) == 0 })
					must(w.env, void(c.Close))
				})
				t.Run(r.name+" after", func(t *testing.T) {
					c := w.found()
					ctx, cancel := context.WithCancel(bg)
					defer cancel()
					seen := 0
					_, err := r.read(w, ctx, c, func() {
						if seen++; seen == 250 {
							cancel()
						}
					}).wait()
					if seen == 0 { // nobody has cancelled it
						if err != nil && r.name != "ToList" {
							t.Error(err)
						}
					} else if !errors.Is(err, context.Canceled) && seen < 350 {
						t.Errorf("got the error %v after %d documents, want that it was cancelled", err, seen)
					}
					must(w.env, void(c.Close))
				})
				eventually(t, "no cursor is open after "+r.name, func() bool { return w.cursors() == 0 })
			}
			w.beginCommand(bg, bson.M{"ping": 1}).must()
		})
	}
}

// testMongoCutOff has a server that does not answer killCursors either.
func testMongoCutOff(t *testing.T, w *wireEnv) {
	w.fill(350)
	var asked, answered atomic.Int32
	own := w.with(options.Client().SetMonitor(&event.CommandMonitor{
		Started: func(_ context.Context, e *event.CommandStartedEvent) {
			if e.CommandName == "killCursors" {
				asked.Add(1)
			}
		},
		Succeeded: func(_ context.Context, e *event.CommandSucceededEvent) {
			if e.CommandName == "killCursors" {
				answered.Add(1)
			}
		},
	}))
	for i, r := range readers[:3] {
		c := own.found()
		w.fail(0, times(2), bson.M{"failCommands": bson.A{"getMore", "killCursors"}, "blockConnection": true, "blockTimeMS": 400})
		ctx, cancel := context.WithTimeout(bg, 50*time.Millisecond)
		p := r.read(own, ctx, c, func() {})
		p.failsWith(context.DeadlineExceeded)
		cancel()
		if n := answered.Load(); n != int32(i) {
			t.Errorf("%s: the call has waited for killCursors", r.name)
		}
		eventually(t, fmt.Sprint("killCursors is answered after ", r.name), func() bool { return answered.Load() == int32(i+1) })
	}
	if asked.Load() != 3 {
		t.Errorf("killCursors was sent %d times, want 3", asked.Load())
	}
}
