package mongowire

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// begin starts a transaction in a session of its own.
func begin(t testing.TB, client *mongo.Client) (context.Context, *mongo.Session) {
	t.Helper()
	session, err := client.StartSession()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { session.EndSession(context.Background()) })
	if err := session.StartTransaction(); err != nil {
		t.Fatal(err)
	}
	return mongo.NewSessionContext(t.Context(), session), session
}

func must(t testing.TB, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

func wantIDs(t testing.TB, ctx context.Context, coll *mongo.Collection, want ...int) {
	t.Helper()
	cursor, err := coll.Find(ctx, m{}, options.Find().SetSort(m{"_id": 1}))
	if got := ids(t, cursor, err); !slices.Equal(got, want) {
		t.Errorf("there are %v, not %v", got, want)
	}
}

func insertID(ctx context.Context, coll *mongo.Collection, id int) error {
	_, err := coll.InsertOne(ctx, m{"_id": id})
	return err
}

func deleteID(ctx context.Context, coll *mongo.Collection, id int) error {
	_, err := coll.DeleteOne(ctx, m{"_id": id})
	return err
}

func TestTransaction(t *testing.T) {
	_, client := start(t, Options{Members: 1})
	coll := filled(t, client, 2)
	for _, commit := range []bool{false, true} {
		ctx, session := begin(t, client)
		must(t, insertID(ctx, coll, 5), deleteID(ctx, coll, 0))
		wantIDs(t, ctx, coll, 1, 5)
		wantIDs(t, t.Context(), coll, 0, 1)
		if !commit {
			must(t, session.AbortTransaction(ctx))
			wantIDs(t, t.Context(), coll, 0, 1)
			continue
		}
		must(t, session.CommitTransaction(ctx), session.CommitTransaction(ctx)) // twice is once
		wantIDs(t, t.Context(), coll, 1, 5)
	}
}

func TestSnapshot(t *testing.T) {
	_, client := start(t, Options{Members: 1})
	coll := filled(t, client, 3)
	ctx, session := begin(t, client)
	wantIDs(t, ctx, coll, 0, 1, 2)
	_, err := coll.UpdateOne(t.Context(), m{"_id": 1}, m{"$set": m{"x": 100}})
	must(t, err, insertID(t.Context(), coll, 3), deleteID(t.Context(), coll, 0))
	wantIDs(t, ctx, coll, 0, 1, 2)
	var got struct{ X int }
	must(t, coll.FindOne(ctx, m{"_id": 1}).Decode(&got))
	if got.X != 1 {
		t.Errorf("x is %d", got.X)
	}
	must(t, coll.FindOne(ctx, m{"_id": 0}).Err())
	must(t, session.CommitTransaction(ctx))
	wantIDs(t, t.Context(), coll, 1, 2, 3)
}

func TestWriteConflict(t *testing.T) {
	_, client := start(t, Options{Members: 1})
	coll := filled(t, client, 2)
	set := func(ctx context.Context, id int) error {
		_, err := coll.UpdateOne(ctx, m{"_id": id}, m{"$inc": m{"n": 1}})
		return err
	}
	for name, first := range map[string]func(mine context.Context){
		"with an open transaction": func(context.Context) {
			other, _ := begin(t, client)
			must(t, set(other, 1))
		},
		"with what came after the snapshot": func(mine context.Context) {
			must(t, set(mine, 0), set(t.Context(), 1))
		},
	} {
		t.Run(name, func(t *testing.T) {
			mine, session := begin(t, client)
			first(mine)
			err := set(mine, 1)
			failsWith(t, err, 112)
			var labelled mongo.LabeledError
			if !errors.As(err, &labelled) || !labelled.HasErrorLabel("TransientTransactionError") {
				t.Errorf("the error is %v", err)
			}
			failsWith(t, session.CommitTransaction(mine), 251)
			must(t, coll.Drop(t.Context()))
			filled(t, client, 2)
		})
	}
}

// A write outside of transactions waits for those that are in its way.
func TestWriteWaitsForTransaction(t *testing.T) {
	d, client := start(t, Options{Members: 1})
	coll := filled(t, client, 1)
	ctx, session := begin(t, client)
	must(t, insertID(ctx, coll, 7))
	done := make(chan error, 1)
	go func() { done <- insertID(context.Background(), coll, 7) }()
	awaiting(t, d.Member(0), "insert")
	select {
	case err := <-done:
		t.Fatalf("it did not wait: %v", err)
	default:
	}
	must(t, session.AbortTransaction(ctx), <-done)
	wantIDs(t, t.Context(), coll, 0, 7)
}

// A client that has gone, or whose abortion came before what begins it, leaves a
// transaction behind.
func TestTransactionLifetime(t *testing.T) {
	_, client := start(t, Options{Members: 1, TransactionLifetime: 50 * time.Millisecond})
	coll := filled(t, client, 1)
	ctx, session := begin(t, client)
	must(t, insertID(ctx, coll, 7))
	must(t, insertID(context.Background(), coll, 7)) // once nothing is in its way
	failsWith(t, session.CommitTransaction(ctx), 251)
	wantIDs(t, t.Context(), coll, 0, 7)
}

func TestTransactionRules(t *testing.T) {
	_, client := start(t, Options{Members: 1})
	coll := filled(t, client, 2)
	t.Run("some commands are not allowed", func(t *testing.T) {
		ctx, _ := begin(t, client)
		_, err := coll.EstimatedDocumentCount(ctx)
		failsWith(t, err, 263)
	})
	t.Run("an error aborts", func(t *testing.T) {
		ctx, session := begin(t, client)
		must(t, insertID(ctx, coll, 8))
		failsWith(t, insertID(ctx, coll, 1), 11000)
		failsWith(t, insertID(ctx, coll, 9), 251)
		failsWith(t, session.CommitTransaction(ctx), 251)
		wantIDs(t, t.Context(), coll, 0, 1)
	})
	t.Run("the session's end aborts", func(t *testing.T) {
		ctx, session := begin(t, client)
		must(t, insertID(ctx, coll, 8))
		must(t, client.Database("admin").RunCommand(t.Context(), bson.D{{Key: "endSessions", Value: bson.A{session.ID()}}}).Err())
		failsWith(t, insertID(ctx, coll, 9), 251)
		wantIDs(t, t.Context(), coll, 0, 1)
	})
	t.Run("a cursor is its transaction's", func(t *testing.T) {
		ctx, session := begin(t, client)
		cursor, err := coll.Find(ctx, m{}, options.Find().SetBatchSize(1))
		must(t, err, session.AbortTransaction(ctx))
		for cursor.Next(t.Context()) {
		}
		failsWith(t, cursor.Err(), 43)
	})
	t.Run("it deletes and inserts again", func(t *testing.T) {
		ctx, session := begin(t, client)
		must(t, deleteID(ctx, coll, 1), insertID(ctx, coll, 1), insertID(ctx, coll, 2), deleteID(ctx, coll, 2))
		must(t, session.CommitTransaction(ctx))
		wantIDs(t, t.Context(), coll, 0, 1)
	})
	t.Run("its collection is not there before the commit", func(t *testing.T) {
		made := client.Database("db").Collection("made")
		ctx, session := begin(t, client)
		late, loser := begin(t, client)
		must(t, insertID(ctx, made, 1), insertID(ctx, made, 2), insertID(late, made, 3))
		wantIDs(t, ctx, made, 1, 2)
		wantIDs(t, t.Context(), made)
		must(t, session.CommitTransaction(ctx))
		wantIDs(t, t.Context(), made, 1, 2)
		failsWith(t, loser.CommitTransaction(late), 112)
	})
	t.Run("a unique key is one's own", func(t *testing.T) {
		unique := client.Database("db").Collection("unique")
		_, err := unique.Indexes().CreateOne(t.Context(), mongo.IndexModel{Keys: m{"k": 1}, Options: options.Index().SetUnique(true)})
		insert := func(ctx context.Context, id, k int) error {
			_, err := unique.InsertOne(ctx, m{"_id": id, "k": k})
			return err
		}
		ctx, session := begin(t, client)
		late, _ := begin(t, client)
		must(t, err, insert(ctx, 1, 1), insert(t.Context(), 2, 2))
		failsWith(t, insert(late, 3, 1), 112)
		failsWith(t, insert(ctx, 4, 2), 112)
		must(t, session.AbortTransaction(ctx), insert(t.Context(), 1, 1))
	})
	t.Run("not on a standalone server", func(t *testing.T) {
		_, client := start(t, Options{})
		ctx, _ := begin(t, client)
		if err := insertID(ctx, client.Database("db").Collection("c"), 1); err == nil {
			t.Error("a standalone server took part in a transaction")
		}
	})
}

func TestWithTransaction(t *testing.T) {
	_, client := start(t, Options{Members: 1})
	coll := filled(t, client, 1)
	errs := make(chan error)
	for range 4 { // conflicts are retried until each got its turn
		go func() {
			session, err := client.StartSession()
			if err != nil {
				errs <- err
				return
			}
			defer session.EndSession(context.Background())
			_, err = session.WithTransaction(context.Background(), func(ctx context.Context) (any, error) {
				return coll.UpdateOne(ctx, m{"_id": 0}, m{"$inc": m{"n": 1}})
			})
			errs <- err
		}()
	}
	for range 4 {
		must(t, <-errs)
	}
	must(t, coll.FindOne(t.Context(), m{"n": 4}).Err())
}

func TestRetriedWriteIsDoneOnce(t *testing.T) {
	_, client := start(t, Options{Members: 1})
	coll := filled(t, client, 1)
	session, err := client.StartSession()
	must(t, err)
	defer session.EndSession(t.Context())
	cmd := bson.D{
		{Key: "update", Value: "c"},
		{Key: "updates", Value: bson.A{m{"q": m{"_id": 0}, "u": m{"$inc": m{"n": 1}}}}},
		{Key: "lsid", Value: session.ID()},
		{Key: "txnNumber", Value: int64(7)},
	}
	var replies []bson.Raw
	for range 2 {
		raw, err := coll.Database().RunCommand(t.Context(), cmd).Raw()
		must(t, err)
		replies = append(replies, raw)
	}
	if replies[0].Lookup("nModified").AsInt64() != 1 || replies[1].Lookup("nModified").AsInt64() != 1 {
		t.Errorf("the replies are %v", replies)
	}
	must(t, coll.FindOne(t.Context(), m{"n": 1}).Err())
	cmd[3].Value = int64(6)
	failsWith(t, coll.Database().RunCommand(t.Context(), cmd).Err(), 225)
}

// A secondary that is behind answers a causally consistent read when it has
// caught up.
func TestReadAfterClusterTime(t *testing.T) {
	d, client := start(t, Options{Members: 3})
	slow := secondaries(d)[0]
	slow.PauseReplication(true)
	coll := filled(t, client, 1)
	p := d.Primary()
	p.mu.Lock()
	now := p.last
	p.mu.Unlock()
	cmd := bson.D{
		{Key: "find", Value: "c"},
		{Key: "readConcern", Value: m{"afterClusterTime": now}},
		{Key: "$readPreference", Value: m{"mode": "secondary"}},
	}
	behind := direct(t, slow).Database(coll.Database().Name())
	type result struct {
		raw bson.Raw
		err error
	}
	done := make(chan result, 1)
	go func() {
		raw, err := behind.RunCommand(context.Background(), cmd).Raw()
		done <- result{raw, err}
	}()
	awaiting(t, slow, "find")
	select {
	case r := <-done:
		t.Fatalf("it did not wait: %v, %v", r.raw, r.err)
	default:
	}
	slow.PauseReplication(false)
	r := <-done
	must(t, r.err)
	if docs, _ := r.raw.Lookup("cursor", "firstBatch").Array().Values(); len(docs) != 1 {
		t.Errorf("the reply is %v", r.raw)
	}
	if r.raw.Lookup("operationTime").Type == 0 || r.raw.Lookup("$clusterTime", "clusterTime").Type == 0 {
		t.Errorf("the reply does not tell the time: %v", r.raw)
	}
}
