package integration

import (
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/valet-go/valet/adapter"
	"github.com/valet-go/valet/backends/mongo"
)

// TestMongoFindOneAllocs compares a call with the driver's own method on a
// goroutine of its own.
func TestMongoFindOneAllocs(t *testing.T) {
	if raceEnabled {
		t.Log("the race detector allocates as well: nothing to measure")
		return
	}
	w := newWireEnv(t, 0)
	w.fill(1)
	raw, filter := w.coll.Unwrap(), bson.D{{Key: "_id", Value: 0}}
	var failed error
	done := make(chan struct{}, 1)
	direct := func() {
		go func() {
			if err := raw.FindOne(bg, filter).Err(); err != nil {
				failed = err
			}
			done <- struct{}{}
		}()
		<-done
	}
	found := func(_ *mongo.SingleResult, err error) {
		if err != nil {
			failed = err
		}
		done <- struct{}{}
	}
	least := func(f func()) float64 { // of several runs: the monitors allocate, too
		n := testing.AllocsPerRun(200, f)
		for range 5 {
			n = min(n, testing.AllocsPerRun(200, f))
		}
		return n
	}
	drivers := least(direct)
	// A context that can end makes the driver and the call do more, for the
	// timeout of its own that the driver derives from it.
	for policy, most := range map[adapter.CancelPolicy]float64{adapter.Abandon: 4, adapter.Close: 12} {
		own := w.with(options.Client(), mongo.WithCalls(adapter.WithCancel(policy)))
		ours := least(func() {
			own.coll.FindOne(bg, filter, found)
			<-done
		})
		t.Logf("%v allocations by the driver on a goroutine, %v with a callback and the policy %v", drivers, ours, policy)
		if ours > drivers+most {
			t.Errorf("a call with the policy %v costs %v allocations more than the driver's own, want %v at most", policy, ours-drivers, most)
		}
	}
	if failed != nil {
		t.Error(failed)
	}
}
