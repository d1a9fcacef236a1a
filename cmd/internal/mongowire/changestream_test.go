package mongowire

import (
	"context"
	"slices"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

type streamEvent struct {
	OperationType string
	FullDocument  bson.M
	DocumentKey   struct {
		ID int `bson:"_id"`
	}
	NS                struct{ DB, Coll string }
	UpdateDescription struct {
		UpdatedFields bson.M
		RemovedFields []string
	}
}

// changes reads n events.
func changes(t testing.TB, stream *mongo.ChangeStream, n int) []streamEvent {
	t.Helper()
	events := make([]streamEvent, n)
	for i := range events {
		if !stream.Next(t.Context()) {
			t.Fatal(stream.Err())
		}
		must(t, stream.Decode(&events[i]))
	}
	return events
}

func kindsOf(events []streamEvent) []string {
	var all []string
	for _, e := range events {
		all = append(all, e.OperationType)
	}
	return all
}

// watcher is what has change streams: a client, a database or a collection.
type watcher interface {
	Watch(ctx context.Context, pipeline any, opts ...options.Lister[options.ChangeStreamOptions]) (*mongo.ChangeStream, error)
}

func watch(t testing.TB, w watcher, pipeline any, opts *options.ChangeStreamOptionsBuilder) *mongo.ChangeStream {
	t.Helper()
	stream, err := w.Watch(t.Context(), pipeline, opts)
	must(t, err)
	t.Cleanup(func() { must(t, stream.Close(context.Background())) })
	return stream
}

func TestChangeStream(t *testing.T) {
	_, client := start(t, Options{Members: 1})
	ctx := t.Context()
	coll, other := client.Database("db").Collection("c"), client.Database("db").Collection("other")
	must(t, insertID(ctx, coll, 0))
	for name, c := range map[string]struct {
		w    watcher
		want []string
	}{
		"collection": {coll, []string{"insert", "update", "replace", "delete", "drop", "invalidate"}},
		"database":   {client.Database("db"), []string{"insert", "insert", "update", "replace", "delete", "drop", "drop", "dropDatabase", "invalidate"}},
		"deployment": {client, []string{"insert", "insert", "update", "replace", "delete", "drop", "drop", "dropDatabase"}},
	} {
		t.Run(name, func(t *testing.T) {
			stream := watch(t, c.w, mongo.Pipeline{}, options.ChangeStream().SetFullDocument(options.UpdateLookup))
			must(t, insertID(ctx, other, 1), insertID(ctx, coll, 1))
			_, err := coll.UpdateOne(ctx, m{"_id": 1}, m{"$set": m{"a": 1}})
			must(t, err)
			_, err = coll.ReplaceOne(ctx, m{"_id": 1}, m{"b": 1})
			must(t, err, deleteID(ctx, coll, 1), coll.Drop(ctx), client.Database("db").Drop(ctx))
			events := changes(t, stream, len(c.want))
			if got := kindsOf(events); !slices.Equal(got, c.want) {
				t.Errorf("there were %v, not %v", got, c.want)
			}
			for _, e := range events {
				if e.OperationType == "update" && (e.UpdateDescription.UpdatedFields["a"] != int32(1) || e.DocumentKey.ID != 1 || e.NS.Coll != "c") {
					t.Errorf("the update is %+v", e)
				}
				if e.OperationType == "replace" && e.FullDocument["b"] != int32(1) {
					t.Errorf("the replacement is %+v", e)
				}
			}
		})
	}
}

func TestChangeStreamPipeline(t *testing.T) {
	_, client := start(t, Options{Members: 1})
	coll := client.Database("db").Collection("c")
	pipeline := mongo.Pipeline{
		{{Key: "$match", Value: m{"documentKey._id": m{"$gt": 1}}}},
		{{Key: "$project", Value: m{"operationType": 1, "documentKey": 1}}},
	}
	stream := watch(t, coll, pipeline, options.ChangeStream())
	for i := range 4 {
		must(t, insertID(t.Context(), coll, i))
	}
	events := changes(t, stream, 2)
	if events[0].DocumentKey.ID != 2 || events[1].DocumentKey.ID != 3 || events[0].FullDocument != nil {
		t.Errorf("the events are %+v", events)
	}
}

func TestChangeStreamResumes(t *testing.T) {
	_, client := start(t, Options{Members: 1})
	coll := client.Database("db").Collection("c")
	stream := watch(t, coll, mongo.Pipeline{}, options.ChangeStream().SetBatchSize(2))
	begun := stream.ResumeToken()
	for i := range 5 {
		must(t, insertID(t.Context(), coll, i))
	}
	changes(t, stream, 3)
	must(t, coll.Drop(t.Context()))
	for name, c := range map[string]struct {
		opts *options.ChangeStreamOptionsBuilder
		want []string
	}{
		"from the begin":       {options.ChangeStream().SetResumeAfter(begun), []string{"insert", "insert", "insert", "insert", "insert", "drop", "invalidate"}},
		"from the third event": {options.ChangeStream().SetStartAfter(stream.ResumeToken()), []string{"insert", "insert", "drop", "invalidate"}},
		"from a time":          {options.ChangeStream().SetStartAtOperationTime(&bson.Timestamp{T: 1}), []string{"insert", "insert", "insert", "insert", "insert", "drop", "invalidate"}},
	} {
		t.Run(name, func(t *testing.T) {
			again := watch(t, coll, mongo.Pipeline{}, c.opts)
			if got := kindsOf(changes(t, again, len(c.want))); !slices.Equal(got, c.want) {
				t.Errorf("there were %v, not %v", got, c.want)
			}
			if again.Next(t.Context()) {
				t.Error("there is more after the invalidation")
			}
			_, err := coll.Watch(t.Context(), mongo.Pipeline{}, options.ChangeStream().SetResumeAfter(again.ResumeToken()))
			failsWith(t, err, 260)
		})
	}
}

// The driver resumes by itself when the cursor is gone.
func TestChangeStreamSurvivesItsCursor(t *testing.T) {
	d, client := start(t, Options{Members: 1})
	coll := client.Database("db").Collection("c")
	stream := watch(t, coll, mongo.Pipeline{}, options.ChangeStream())
	must(t, insertID(t.Context(), coll, 0))
	changes(t, stream, 1)
	p := d.Primary()
	p.mu.Lock()
	p.killCursorsLocked(func(*cursor) bool { return true })
	p.mu.Unlock()
	must(t, insertID(t.Context(), coll, 1))
	if got := changes(t, stream, 1)[0].DocumentKey.ID; got != 1 {
		t.Errorf("the next event is of %d", got)
	}
}

func TestChangeStreamOfTransaction(t *testing.T) {
	_, client := start(t, Options{Members: 1})
	coll := client.Database("db").Collection("c")
	must(t, insertID(t.Context(), coll, 0))
	stream := watch(t, coll, mongo.Pipeline{}, options.ChangeStream())
	ctx, session := begin(t, client)
	must(t, insertID(ctx, coll, 1), insertID(ctx, coll, 2), deleteID(ctx, coll, 0))
	if stream.TryNext(t.Context()) {
		t.Error("there is an event before the commit")
	}
	must(t, session.CommitTransaction(ctx))
	if got := kindsOf(changes(t, stream, 3)); !slices.Equal(got, []string{"insert", "insert", "delete"}) {
		t.Errorf("there were %v", got)
	}
	if tokens := stream.Current.Lookup("txnNumber"); tokens.Type == 0 {
		t.Errorf("the event is %v", stream.Current)
	}
}

func TestChangeStreamNeedsSet(t *testing.T) {
	_, client := start(t, Options{})
	_, err := client.Watch(t.Context(), mongo.Pipeline{})
	failsWith(t, err, 40573)
}
