package mongowire

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/event"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver/topology"
)

// inserted counts the inserts of each _id in the member's log.
func inserted(m *Member) map[string]int {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := map[string]int{}
	for _, e := range m.log {
		if id, ok := e.doc.Lookup("_id").StringValueOK(); ok && e.kind == "insert" {
			n[id]++
		}
	}
	return n
}

// awaitCatchUp returns when m has what its primary has now.
func awaitCatchUp(t testing.TB, d *Deployment, m *Member) {
	t.Helper()
	p := awaitPrimary(t, d)
	p.mu.Lock()
	last := p.last
	p.mu.Unlock()
	await(t, m, func() bool { return !m.last.Before(last) })
}

func TestKilledPrimaryAmidInserts(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	d, client := start(t, Options{Members: 3})
	coll := client.Database("db").Collection("c")
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var mu sync.Mutex
	var acknowledged []string
	var failed atomic.Int32
	progress := make(chan struct{}, 1)
	var wg sync.WaitGroup
	for worker := range 4 {
		wg.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				var ids []string
				var docs []any
				for j := range worker + 1 {
					ids = append(ids, fmt.Sprint(worker, "-", i, "-", j))
					docs = append(docs, withID(ids[j]))
				}
				_, err := coll.InsertMany(context.Background(), docs)
				if mongo.IsDuplicateKeyError(err) {
					t.Errorf("%s were applied, and tried again all the same: %v", ids, err)
				}
				if err != nil {
					failed.Add(1) // two kills in a row: nobody knows
					continue
				}
				mu.Lock()
				acknowledged = append(acknowledged, ids...)
				mu.Unlock()
				select {
				case progress <- struct{}{}:
				default:
				}
			}
		})
	}
	for range 4 {
		for range 20 + random.IntN(60) {
			<-progress
		}
		killed := awaitPrimary(t, d)
		killed.Kill()
		if p := awaitPrimary(t, d); p == killed {
			t.Fatal("a dead member was elected")
		}
		for range 20 + random.IntN(60) {
			<-progress
		}
		if err := killed.Restart(); err != nil {
			t.Fatal(err)
		}
		awaitCatchUp(t, d, killed)
	}
	stop()
	wg.Wait()
	for _, m := range d.members {
		awaitCatchUp(t, d, m)
		found := inserted(m)
		for _, id := range acknowledged {
			if found[id] != 1 {
				t.Errorf("member %d has %s %d times", m.index, id, found[id])
			}
		}
	}
	t.Logf("%d inserts were acknowledged, %d commands failed", len(acknowledged), failed.Load())
}

func TestStepDown(t *testing.T) {
	for name, stepDown := range map[string]func(*testing.T, *Deployment){
		"by the test": func(t *testing.T, d *Deployment) {
			if err := d.StepDown(); err != nil {
				t.Fatal(err)
			}
		},
		"by a client": func(t *testing.T, d *Deployment) {
			cmd := bson.D{{Key: "replSetStepDown", Value: 5}}
			if err := direct(t, d.Primary()).Database("admin").RunCommand(t.Context(), cmd).Err(); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			d, _ := start(t, Options{Members: 3})
			var cleared atomic.Int32
			client := connect(t, d.URI(), options.Client().SetPoolMonitor(&event.PoolMonitor{Event: func(e *event.PoolEvent) {
				if e.Type == event.ConnectionPoolCleared {
					cleared.Add(1)
				}
			}}))
			coll := client.Database("db").Collection("c")
			if _, err := coll.InsertOne(t.Context(), withID("before")); err != nil {
				t.Fatal(err)
			}
			before := d.Primary()
			stepDown(t, d)
			if _, err := coll.InsertOne(t.Context(), withID("after")); err != nil {
				t.Fatal(err)
			}
			if p := d.Primary(); p == before {
				t.Error("the primary is the same")
			} else if n := inserted(p); n["before"] != 1 || n["after"] != 1 {
				t.Errorf("the new primary has %v", n)
			}
			if cleared.Load() != 0 {
				t.Error("connections were lost")
			}
		})
	}
}

func TestStepDownOfTheOnlyOneWithAllWrites(t *testing.T) {
	d, client := start(t, Options{Members: 3})
	p := d.Primary()
	for _, m := range secondaries(d) {
		m.PauseReplication(true)
	}
	one := options.Collection().SetWriteConcern(writeconcern.W1())
	if _, err := client.Database("db").Collection("c", one).InsertOne(t.Context(), withID("x")); err != nil {
		t.Fatal(err)
	}
	err := direct(t, p).Database("admin").RunCommand(t.Context(), bson.D{{Key: "replSetStepDown", Value: 5}}).Err()
	failsWith(t, err, 262)
	if d.StepDown() == nil || d.Primary() != p {
		t.Error("it stepped down though nobody could take over")
	}
}

// lose makes a write that only a primary has that is killed then, and returns
// that member when there is another primary.
func lose(t *testing.T, d *Deployment, client *mongo.Client, id string) *Member {
	t.Helper()
	for _, m := range secondaries(d) {
		m.PauseReplication(true)
	}
	one := options.Collection().SetWriteConcern(writeconcern.W1())
	if _, err := client.Database("db").Collection("c", one).InsertOne(t.Context(), withID(id)); err != nil {
		t.Fatal(err)
	}
	p := d.Primary()
	p.Kill()
	for _, m := range d.members {
		m.PauseReplication(false)
	}
	awaitPrimary(t, d)
	return p
}

func TestRestartTakesBack(t *testing.T) {
	d, client := start(t, Options{Members: 3})
	coll := client.Database("db").Collection("c")
	if _, err := coll.InsertOne(t.Context(), withID("shared")); err != nil {
		t.Fatal(err)
	}
	dead := lose(t, d, client, "lost")
	if _, err := coll.InsertOne(t.Context(), withID("new")); err != nil {
		t.Fatal(err)
	}
	if err := dead.Restart(); err != nil {
		t.Fatal(err)
	}
	awaitCatchUp(t, d, dead)
	if n := inserted(dead); n["shared"] != 1 || n["new"] != 1 || n["lost"] != 0 {
		t.Errorf("its log is %v", n)
	}
	found := direct(t, dead).Database("db").Collection("c")
	for id, want := range map[string]error{"shared": nil, "new": nil, "lost": mongo.ErrNoDocuments} {
		if err := found.FindOne(t.Context(), withID(id)).Err(); err != want {
			t.Errorf("finding %s: %v", id, err)
		}
	}
}

func TestNoMajority(t *testing.T) {
	d, before := start(t, Options{Members: 3})
	if _, err := before.Database("db").Collection("c").InsertOne(t.Context(), withID("before")); err != nil {
		t.Fatal(err)
	}
	killed := secondaries(d)
	for _, m := range killed {
		m.Kill()
	}
	if p := d.Primary(); p != nil {
		t.Fatalf("member %d remained the primary", p.index)
	}
	hasty := connect(t, d.URI(), options.Client().SetServerSelectionTimeout(300*time.Millisecond))
	_, err := hasty.Database("db").Collection("c").InsertOne(t.Context(), withID("without"))
	if !errors.As(err, new(topology.ServerSelectionError)) {
		t.Errorf("the error is %v, not that of a selection", err)
	}
	if err := killed[0].Restart(); err != nil {
		t.Fatal(err)
	}
	if _, err := before.Database("db").Collection("c").InsertOne(t.Context(), withID("after")); err != nil {
		t.Error(err)
	}
}

func TestStandaloneRestarts(t *testing.T) {
	d, client := start(t, Options{})
	coll := client.Database("db").Collection("c")
	d.Member(0).Kill()
	if err := d.Member(0).Restart(); err != nil {
		t.Fatal(err)
	}
	if _, err := coll.InsertOne(t.Context(), withID("x")); err != nil {
		t.Error(err)
	}
}
