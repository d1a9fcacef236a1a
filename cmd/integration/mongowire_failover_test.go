package integration

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"

	"github.com/valet-go/valet/adapter"
	"github.com/valet-go/valet/backends/mongo"
	"github.com/valet-go/valet/cmd/internal/mongowire"
)

// TestMongoFailover writes while the primary dies, or steps down. Each write that is
// acknowledged has been applied once. A few fail: the driver tries a write again only
// once, and now and then its monitor, which has heard of the primary a moment before,
// makes it ask the same one again.
func TestMongoFailover(t *testing.T) {
	const writes, dead = 1000, 300
	for _, test := range []struct {
		name string
		dies bool
		fail func(*testing.T, *wireEnv)
	}{
		{"the primary is killed", true, func(_ *testing.T, w *wireEnv) { w.d.Primary().Kill() }},
		{"the primary steps down", false, func(t *testing.T, w *wireEnv) {
			eventually(t, "the primary steps down", func() bool { return w.d.StepDown() == nil })
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWireEnv(t, 3)
			var seen commands
			own := w.with(options.Client().SetMaxPoolSize(20).SetMonitor(seen.monitor()).SetWriteConcern(writeconcern.Majority()))
			w.insertRange(-1, 0) // makes the collection
			old := w.primary()
			sofar := make(chan struct{}, writes)
			var calls []*pending[*mongo.UpdateResult]
			for i := range writes {
				calls = append(calls, begin(w.env, func(cb func(*mongo.UpdateResult, error)) *adapter.Call {
					return own.coll.UpdateByID(bg, i, bson.M{"$inc": bson.M{"n": 1}}, func(r *mongo.UpdateResult, err error) {
						cb(r, err)
						sofar <- struct{}{}
					}, options.UpdateOne().SetUpsert(true))
				}))
			}
			for range dead {
				await(t, sofar)
			}
			test.fail(t, w)
			failed := map[int]error{}
			for i, c := range calls {
				if r, err := c.wait(); err != nil {
					failed[i] = err
				} else if r.UpsertedCount != 1 {
					t.Errorf("write %d has found what it was to make: %+v", i, r)
				}
			}
			t.Logf("%d writes were sent %d times; %d failed", writes, seen.sent.Load(), len(failed))
			if seen.sent.Load() <= writes {
				t.Error("no write was tried again")
			}
			for i, err := range failed {
				t.Logf("write %d: %v", i, err)
			}
			if len(failed) > writes/20 {
				t.Error("those are too many to be accidents")
			}
			counts := func(member int) map[int]int {
				var docs []struct {
					ID int `bson:"_id"`
					N  int
				}
				cur, err := w.watchers[member].Database("valet").Collection(w.coll.Name()).Find(bg, bson.M{"_id": bson.M{"$gte": 0}})
				if err == nil {
					err = cur.All(bg, &docs)
				}
				if err != nil {
					t.Fatal(err)
				}
				m := map[int]int{}
				for _, d := range docs {
					m[d.ID] = d.N
				}
				return m
			}
			all := counts(w.primary())
			for i := range writes {
				if n := all[i]; n > 1 || n == 0 && failed[i] == nil {
					t.Errorf("write %d was applied %d times; its error: %v", i, n, failed[i])
				}
			}
			if test.dies {
				if err := w.d.Member(old).Restart(); err != nil {
					t.Fatal(err)
				}
			}
			own.insertRange(writes, writes+1)
			for i := range w.members {
				eventually(t, fmt.Sprintf("member %d has what the primary has", i), func() bool {
					return fmt.Sprint(counts(i)) == fmt.Sprint(counts(w.primary()))
				})
			}
		})
	}
}

// TestMongoNoPrimary has a set that has lost its majority.
func TestMongoNoPrimary(t *testing.T) {
	w := newWireEnv(t, 3)
	w.insertRange(0, 1)
	p := w.primary()
	dead := []*mongowire.Member{w.d.Member((p + 1) % 3), w.d.Member((p + 2) % 3)}
	for _, m := range dead {
		m.Kill()
	}
	if w.d.Primary() != nil {
		t.Error("there is a primary without a majority")
	}
	ctx, cancel := context.WithTimeout(bg, 200*time.Millisecond)
	defer cancel()
	if err := w.beginInsert(ctx, numbered{ID: 1}).fails(); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want that the deadline is exceeded", err)
	}
	waits := w.beginInsert(bg, numbered{ID: 2})
	for _, m := range dead {
		if err := m.Restart(); err != nil {
			t.Fatal(err)
		}
	}
	waits.must()
	if n := w.count(); n != 2 {
		t.Errorf("%d documents, want 2", n)
	}
}
