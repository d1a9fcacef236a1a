package integration

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/valet-go/valet/adapter"
	"github.com/valet-go/valet/backends/mongo"
)

func testMongoKillRace(t *testing.T, w *wireEnv) {
	const conns = 3
	own := w.with(options.Client().SetMaxPoolSize(conns), mongo.WithCalls(adapter.WithCancel(adapter.Kill), adapter.WithGrace(patience)))
	w.fail(0, "alwaysOn", bson.M{"failCommands": bson.A{"find", "getMore", "distinct"}, "blockConnection": true, "blockTimeMS": 8})
	killRace{
		lasts:     2 * time.Second,
		within:    20 * time.Millisecond,
		cancelled: own.readOne,
		other: func() error {
			n, err := adapter.Wait(func(cb func(int64, error)) { own.coll.CountDocuments(bg, bson.M{}, cb) })
			if err == nil && n != 350 {
				err = fmt.Errorf("counted %d documents", n)
			}
			return err
		},
		byServer: interrupted,
	}.run(t)
	w.fail(0, "off", bson.M{})
	eventually(t, "no cursor is open", func() bool { return w.cursors() == 0 })
	own.wantNoSession()
}

// readOne reads in one of the ways there are.
func (w *wireEnv) readOne(ctx context.Context, rng *rand.Rand) error {
	return adapter.WaitErr(func(cb func(error)) {
		switch rng.IntN(3) {
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
