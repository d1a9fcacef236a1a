package mongowire

import (
	"context"
	"errors"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readpref"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"
)

// A session that is used again after its write was rolled back does the write
// that its record would have kept it from.
func TestRestartTakesBackRetryRecords(t *testing.T) {
	d, client := start(t, Options{Members: 3})
	if err := client.Ping(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	dead := lose(t, d, client, "lost")
	records := func() int {
		dead.mu.Lock()
		defer dead.mu.Unlock()
		n := 0
		for _, s := range dead.sessions {
			if s.reply != nil {
				n++
			}
		}
		return n
	}
	if n := records(); n != 1 {
		t.Fatalf("%d records of the write", n)
	}
	if err := dead.Restart(); err != nil {
		t.Fatal(err)
	}
	awaitCatchUp(t, d, dead)
	if n := records(); n != 0 {
		t.Errorf("%d records of a write that was taken back", n)
	}
}

// The reply to a write that waits for a paused majority is lost with the
// primary's role; the driver tries again and the write is found done.
func TestStepDownAmidAWait(t *testing.T) {
	d, _ := start(t, Options{Members: 3})
	var sent attempts
	client := connect(t, d.URI(), sent.monitor())
	if _, err := client.Database("db").Collection("c").InsertOne(t.Context(), withID("before")); err != nil {
		t.Fatal(err)
	}
	p := d.Primary()
	for _, m := range secondaries(d) {
		m.PauseReplication(true)
	}
	done := make(chan error, 1)
	go func() {
		_, err := client.Database("db").Collection("c").InsertOne(context.Background(), withID("x"))
		done <- err
	}()
	await(t, p, func() bool { return p.log[len(p.log)-1].kind == "insert" && len(p.log) > 3 })
	for _, m := range d.members {
		m.PauseReplication(false)
	}
	if err := d.StepDown(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if n := inserted(awaitPrimary(t, d))["x"]; n != 1 {
		t.Errorf("it was applied %d times, in %d attempts", n, sent.of("insert"))
	}
}

// A write that waits for a majority which is lost is not told done because of what
// comes later; tried again, it is found done by whoever has it.
func TestMajorityLostAmidAWait(t *testing.T) {
	d, _ := start(t, Options{Members: 3})
	var sent attempts
	coll := connect(t, d.URI(), sent.monitor()).Database("db").Collection("c")
	if _, err := coll.InsertOne(t.Context(), withID("before")); err != nil {
		t.Fatal(err)
	}
	p, others := d.Primary(), secondaries(d)
	for _, m := range others {
		m.PauseReplication(true)
	}
	done := make(chan error, 1)
	go func() {
		_, err := coll.InsertOne(context.Background(), withID("x"))
		done <- err
	}()
	await(t, p, func() bool {
		id, _ := p.log[len(p.log)-1].doc.Lookup("_id").StringValueOK()
		return id == "x"
	})
	for _, m := range others {
		m.Kill()
		m.PauseReplication(false)
	}
	for _, m := range others {
		if err := m.Restart(); err != nil {
			t.Fatal(err)
		}
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if n := inserted(awaitPrimary(t, d))["x"]; n != 1 || sent.of("insert") != 3 {
		t.Errorf("it was applied %d times, in %d attempts", n, sent.of("insert")-1)
	}
}

func TestTransactionsMeetFailovers(t *testing.T) {
	begin := func(t *testing.T) (*Deployment, *mongo.Collection, *mongo.Session) {
		d, client := start(t, Options{Members: 3})
		coll := client.Database("db").Collection("c")
		if _, err := coll.InsertOne(t.Context(), withID("before")); err != nil {
			t.Fatal(err)
		}
		s, err := client.StartSession()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.EndSession(context.Background()) })
		if err := s.StartTransaction(); err != nil {
			t.Fatal(err)
		}
		return d, coll, s
	}
	t.Run("an open one is lost", func(t *testing.T) {
		d, coll, s := begin(t)
		ctx := mongo.NewSessionContext(t.Context(), s)
		if _, err := coll.InsertOne(ctx, withID("x")); err != nil {
			t.Fatal(err)
		}
		if err := d.StepDown(); err != nil {
			t.Fatal(err)
		}
		_, err := coll.InsertOne(ctx, withID("y"))
		var e mongo.ServerError
		if !errors.As(err, &e) || !e.HasErrorLabel("TransientTransactionError") {
			t.Errorf("the error is %v", err)
		}
		_ = s.AbortTransaction(ctx)
		for _, m := range d.members {
			awaitCatchUp(t, d, m)
			if n := inserted(m); n["x"] != 0 || n["y"] != 0 {
				t.Errorf("member %d has %v", m.index, n)
			}
		}
	})
	t.Run("WithTransaction starts again", func(t *testing.T) {
		d, coll, s := begin(t)
		_ = s.AbortTransaction(t.Context())
		runs := 0
		_, err := s.WithTransaction(t.Context(), func(ctx context.Context) (any, error) {
			if _, err := coll.InsertOne(ctx, withID("x")); err != nil {
				return nil, err
			}
			if runs++; runs == 1 {
				if err := d.StepDown(); err != nil {
					t.Error(err)
				}
			}
			return coll.InsertOne(ctx, withID("y"))
		})
		if err != nil {
			t.Fatal(err)
		}
		if n := inserted(awaitPrimary(t, d)); runs != 2 || n["x"] != 1 || n["y"] != 1 {
			t.Errorf("after %d runs there is %v", runs, n)
		}
	})
	t.Run("a commit whose reply is lost is found done", func(t *testing.T) {
		d, coll, s := begin(t)
		ctx := mongo.NewSessionContext(t.Context(), s)
		for _, id := range []string{"x", "y"} {
			if _, err := coll.InsertOne(ctx, withID(id)); err != nil {
				t.Fatal(err)
			}
		}
		failing(t, d.Primary(), times(1), bson.D{
			{Key: "failCommands", Value: bson.A{"commitTransaction"}},
			{Key: "writeConcernError", Value: bson.D{{Key: "code", Value: 91}, {Key: "errmsg", Value: "shutting down"}}},
		})
		if err := s.CommitTransaction(ctx); err != nil {
			t.Fatal(err)
		}
		if n := inserted(awaitPrimary(t, d)); n["x"] != 1 || n["y"] != 1 {
			t.Errorf("there is %v", n)
		}
	})
}

func TestCursorSurvivesStepDown(t *testing.T) {
	d, client := start(t, Options{Members: 3})
	coll := client.Database("db").Collection("c")
	if _, err := coll.InsertMany(t.Context(), []any{withID(1), withID(2), withID(3), withID(4), withID(5)}); err != nil {
		t.Fatal(err)
	}
	cursor, err := coll.Find(t.Context(), bson.D{}, options.Find().SetBatchSize(2))
	if err != nil {
		t.Fatal(err)
	}
	if err := d.StepDown(); err != nil {
		t.Fatal(err)
	}
	var all []bson.D
	if err := cursor.All(t.Context(), &all); err != nil || len(all) != 5 {
		t.Errorf("%d documents, %v", len(all), err)
	}
}

func TestChangeStreamResumesByItself(t *testing.T) {
	d, client := start(t, Options{Members: 1})
	coll := client.Database("db").Collection("c")
	stream, err := coll.Watch(t.Context(), mongo.Pipeline{})
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close(t.Context())
	failing(t, d.Primary(), times(1), bson.D{{Key: "failCommands", Value: bson.A{"getMore"}}, {Key: "errorCode", Value: 6}})
	if _, err := coll.InsertOne(t.Context(), withID("x")); err != nil {
		t.Fatal(err)
	}
	if !stream.Next(t.Context()) {
		t.Fatal(stream.Err())
	}
}

// The driver does not resume a stream by itself if it finds out about the death
// of the primary in its pool rather than on a connection.
func TestChangeStreamResumesAtAnotherPrimary(t *testing.T) {
	d, client := start(t, Options{Members: 3})
	coll := client.Database("db").Collection("c")
	stream, err := coll.Watch(t.Context(), mongo.Pipeline{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		if _, err := coll.InsertOne(t.Context(), withID(i)); err != nil {
			t.Fatal(err)
		}
	}
	next := func(want int64) {
		t.Helper()
		if !stream.Next(t.Context()) {
			t.Fatal(stream.Err())
		}
		if got := stream.Current.Lookup("documentKey", "_id").AsInt64(); got != want {
			t.Errorf("the event of %d came, not of %d", got, want)
		}
	}
	next(0)
	next(1)
	token := stream.ResumeToken()
	if err := stream.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	d.Primary().Kill()
	awaitPrimary(t, d)
	another := connect(t, d.URI()).Database("db").Collection("c")
	if stream, err = another.Watch(t.Context(), mongo.Pipeline{}, options.ChangeStream().SetResumeAfter(token)); err != nil {
		t.Fatal(err)
	}
	defer stream.Close(t.Context())
	next(2)
}

// A causally consistent session reads its own write from a secondary that lags.
func TestSecondaryWaitsForAClusterTime(t *testing.T) {
	d, _ := start(t, Options{Members: 2})
	lagging := secondaries(d)[0]
	client := connect(t, d.URI())
	coll := client.Database("db").Collection("c", options.Collection().SetWriteConcern(writeconcern.W1()))
	fromSecondary := coll.Clone(options.Collection().SetReadPreference(readpref.Secondary()))
	if _, err := coll.InsertOne(t.Context(), withID("before")); err != nil {
		t.Fatal(err)
	}
	lagging.PauseReplication(true)
	err := client.UseSession(t.Context(), func(ctx context.Context) error {
		if _, err := coll.InsertOne(ctx, withID("x")); err != nil {
			return err
		}
		hasty, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
		defer cancel()
		if err := fromSecondary.FindOne(hasty, withID("x")).Err(); !mongo.IsTimeout(err) {
			t.Errorf("a lagging secondary replied %v", err)
		}
		lagging.PauseReplication(false)
		return fromSecondary.FindOne(ctx, withID("x")).Err()
	})
	if err != nil {
		t.Error(err)
	}
}

func TestKillSessions(t *testing.T) {
	_, client := start(t, Options{Members: 1})
	coll := client.Database("db").Collection("c")
	killed, spared := newSession(t, client), newSession(t, client)
	for i, s := range []*mongo.Session{killed, spared} {
		if err := s.StartTransaction(); err != nil {
			t.Fatal(err)
		}
		if _, err := coll.InsertOne(mongo.NewSessionContext(t.Context(), s), withID(i)); err != nil {
			t.Fatal(err)
		}
	}
	cmd := bson.D{{Key: "killSessions", Value: bson.A{killed.ID()}}}
	if err := client.Database("admin").RunCommand(t.Context(), cmd).Err(); err != nil {
		t.Fatal(err)
	}
	failsWith(t, killed.CommitTransaction(t.Context()), 251)
	if err := spared.CommitTransaction(t.Context()); err != nil {
		t.Error(err)
	}
}

func newSession(t *testing.T, client *mongo.Client) *mongo.Session {
	s, err := client.StartSession()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.EndSession(context.Background()) })
	return s
}
