package integration

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/valet-go/valet/adapter"
	"github.com/valet-go/valet/backends/mongo"
)

// testMongoKillRace cancels operations that last about as long as a kill takes,
// at any moment of their lives, on connections that are used again at once. What
// is not cancelled must succeed, and what is cancelled must not take connections
// with it.
func testMongoKillRace(t *testing.T, w *wireEnv) {
	const conns, lines, lasts = 3, 6, 2 * time.Second
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	own := w.with(options.Client().SetMaxPoolSize(conns), mongo.WithCalls(adapter.WithCancel(adapter.Kill), adapter.WithGrace(patience)))
	w.fail(0, "alwaysOn", bson.M{"failCommands": bson.A{"find", "getMore", "distinct"}, "blockConnection": true, "blockTimeMS": 8})
	var cancelled, killed, finished, checked atomic.Int64
	began := time.Now()
	done := make(chan struct{})
	var left atomic.Int64
	left.Store(lines)
	for line := range lines {
		rng := rand.New(rand.NewPCG(seed, uint64(line)))
		go func() {
			defer func() {
				if left.Add(-1) == 0 {
					close(done)
				}
			}()
			for goesOn(began, lasts, &killed, &finished) && !t.Failed() {
				cancelled.Add(1)
				err := own.cancelOne(rng)
				switch {
				case err == nil:
					finished.Add(1)
				case !errors.Is(err, context.Canceled):
					t.Errorf("a cancelled operation: %v", err)
				case interrupted(err):
					killed.Add(1)
				}
				for range 2 {
					checked.Add(1)
					n, err := adapter.Wait(func(cb func(int64, error)) { own.coll.CountDocuments(bg, bson.M{}, cb) })
					if err != nil || n != 350 {
						t.Errorf("an operation that nobody cancelled: %d, %v", n, err)
					}
				}
			}
		}()
	}
	await(t, done)
	w.fail(0, "off", bson.M{})
	eventually(t, "no cursor is open", func() bool { return w.cursors() == 0 })
	own.wantNoSession()
	t.Logf("%d cancelled, of which %d by the server and %d too late; %d others were not harmed",
		cancelled.Load(), killed.Load(), finished.Load(), checked.Load())
	if killed.Load() == 0 || finished.Load() == 0 {
		t.Error("the cancellations did not come at all moments")
	}
}

func (w *wireEnv) cancelOne(rng *rand.Rand) error {
	ctx, cancel := context.WithCancel(bg)
	defer cancel()
	kind := rng.IntN(3)
	timer := time.AfterFunc(time.Duration(rng.IntN(20000))*time.Microsecond, cancel)
	defer timer.Stop()
	return adapter.WaitErr(func(cb func(error)) {
		switch kind {
		case 0:
			w.coll.FindOne(ctx, bson.M{"_id": 7}, func(_ *mongo.SingleResult, err error) { cb(err) })
		case 1:
			w.coll.Distinct(ctx, "label", bson.M{}, func(_ *mongo.DistinctResult, err error) { cb(err) })
		default:
			w.coll.Find(ctx, bson.M{}, func(c *mongo.Cursor, err error) {
				if err != nil {
					cb(err)
					return
				}
				c.Each(ctx, func(bson.Raw) error { return nil }, cb)
			}, options.Find().SetBatchSize(150))
		}
	})
}
