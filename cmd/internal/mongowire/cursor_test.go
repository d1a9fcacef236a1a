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

// capped is a capped collection with the documents {_id: 0} to {_id: n-1}.
func capped(t testing.TB, client *mongo.Client, n int, opts *options.CreateCollectionOptionsBuilder) *mongo.Collection {
	t.Helper()
	if err := client.Database("db").CreateCollection(t.Context(), "c", opts.SetCapped(true)); err != nil {
		t.Fatal(err)
	}
	return filled(t, client, n)
}

// awaiting returns when one more request waits at the member than before.
func awaiting(t testing.TB, m *Member, command string) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		found := false
		m.mu.Lock()
		m.runningLocked(func(c *conn) {
			key, _, _, _ := next(c.opBody[4:])
			found = found || string(key) == command
		})
		waits := m.changed != nil
		m.mu.Unlock()
		if found && waits {
			return
		}
	}
	t.Fatalf("no %s came", command)
}

func TestTailable(t *testing.T) {
	d, client := start(t, Options{})
	coll := capped(t, client, 2, options.CreateCollection().SetSizeInBytes(1<<20))
	opts := options.Find().SetCursorType(options.TailableAwait).SetMaxAwaitTime(time.Hour)
	cursor, err := coll.Find(t.Context(), m{}, opts)
	if err != nil {
		t.Fatal(err)
	}
	defer cursor.Close(context.Background())
	for i := range 5 {
		inserted := make(chan error, 1)
		if i >= 2 {
			go func() {
				awaiting(t, d.Member(0), "getMore")
				inserted <- insertID(context.Background(), coll, i)
			}()
		} else {
			inserted <- nil
		}
		if !cursor.Next(t.Context()) {
			t.Fatal(cursor.Err())
		}
		if got := cursor.Current.Lookup("_id").AsInt64(); got != int64(i) {
			t.Errorf("document %d is %d", i, got)
		}
		must(t, <-inserted)
	}
}

func TestTailableWithoutAwait(t *testing.T) {
	_, client := start(t, Options{})
	coll := capped(t, client, 1, options.CreateCollection().SetSizeInBytes(1<<20))
	cursor, err := coll.Find(t.Context(), m{}, options.Find().SetCursorType(options.Tailable))
	if err != nil {
		t.Fatal(err)
	}
	defer cursor.Close(context.Background())
	if !cursor.TryNext(t.Context()) || cursor.TryNext(t.Context()) || cursor.Err() != nil || cursor.ID() == 0 {
		t.Errorf("the cursor %d is in a wrong state: %v", cursor.ID(), cursor.Err())
	}
}

func TestTailableNeedsCapped(t *testing.T) {
	_, client := start(t, Options{})
	_, err := filled(t, client, 1).Find(t.Context(), m{}, options.Find().SetCursorType(options.Tailable))
	failsWith(t, err, 2)
}

func TestCapped(t *testing.T) {
	for name, c := range map[string]struct {
		opts *options.CreateCollectionOptionsBuilder
		want []int
	}{
		"documents": {options.CreateCollection().SetSizeInBytes(1 << 20).SetMaxDocuments(3), []int{7, 8, 9}},
		"bytes":     {options.CreateCollection().SetSizeInBytes(60), []int{8, 9}}, // of 23 each
	} {
		t.Run(name, func(t *testing.T) {
			_, client := start(t, Options{})
			cursor, err := capped(t, client, 10, c.opts).Find(t.Context(), m{})
			if got := ids(t, cursor, err); !slices.Equal(got, c.want) {
				t.Errorf("%v are left, not %v", got, c.want)
			}
		})
	}
}

func TestCappedPositionLost(t *testing.T) {
	_, client := start(t, Options{})
	coll := capped(t, client, 3, options.CreateCollection().SetSizeInBytes(1<<20).SetMaxDocuments(3))
	cursor, err := coll.Find(t.Context(), m{}, options.Find().SetCursorType(options.Tailable).SetBatchSize(1))
	if err != nil {
		t.Fatal(err)
	}
	defer cursor.Close(context.Background())
	for i := range 5 {
		if _, err := coll.InsertOne(t.Context(), m{"_id": 10 + i}); err != nil {
			t.Fatal(err)
		}
	}
	for cursor.Next(t.Context()) {
	}
	failsWith(t, cursor.Err(), 136)
}

func TestKillCursors(t *testing.T) {
	d, client := start(t, Options{})
	coll := filled(t, client, 10)
	killed := func(t *testing.T, kill func(cursor *mongo.Cursor)) {
		cursor, err := coll.Find(t.Context(), m{}, options.Find().SetBatchSize(2))
		if err != nil {
			t.Fatal(err)
		}
		kill(cursor)
		for cursor.Next(t.Context()) {
		}
		failsWith(t, cursor.Err(), 43)
	}
	t.Run("by the command", func(t *testing.T) {
		killed(t, func(cursor *mongo.Cursor) {
			cmd := bson.D{{Key: "killCursors", Value: "c"}, {Key: "cursors", Value: bson.A{cursor.ID(), int64(1)}}}
			var got struct{ CursorsKilled, CursorsNotFound []int64 }
			if err := coll.Database().RunCommand(t.Context(), cmd).Decode(&got); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(got.CursorsKilled, []int64{cursor.ID()}) || !slices.Equal(got.CursorsNotFound, []int64{1}) {
				t.Errorf("the reply is %v", got)
			}
		})
	})
	t.Run("with its session", func(t *testing.T) {
		session, err := client.StartSession()
		if err != nil {
			t.Fatal(err)
		}
		defer session.EndSession(t.Context())
		err = mongo.WithSession(t.Context(), session, func(ctx context.Context) error {
			cursor, err := coll.Find(ctx, m{}, options.Find().SetBatchSize(2))
			if err != nil {
				return err
			}
			if err := client.Database("admin").RunCommand(context.Background(), bson.D{{Key: "endSessions", Value: bson.A{session.ID()}}}).Err(); err != nil {
				return err
			}
			for cursor.Next(ctx) {
			}
			failsWith(t, cursor.Err(), 43)
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
	t.Run("by the drop of its collection", func(t *testing.T) {
		cursor, err := coll.Find(t.Context(), m{}, options.Find().SetBatchSize(2))
		if err != nil {
			t.Fatal(err)
		}
		if err := coll.Drop(t.Context()); err != nil {
			t.Fatal(err)
		}
		for cursor.Next(t.Context()) {
		}
		failsWith(t, cursor.Err(), 175)
	})
	if m := d.Member(0); len(m.cursors) != 0 {
		t.Errorf("%d cursors are left", len(m.cursors))
	}
}

func TestKillAwaitingCursor(t *testing.T) {
	d, client := start(t, Options{})
	coll := capped(t, client, 1, options.CreateCollection().SetSizeInBytes(1<<20))
	cursor, err := coll.Find(t.Context(), m{}, options.Find().SetCursorType(options.TailableAwait).SetMaxAwaitTime(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	id, killed := cursor.ID(), make(chan error)
	go func() {
		awaiting(t, d.Member(0), "getMore")
		cmd := bson.D{{Key: "killCursors", Value: "c"}, {Key: "cursors", Value: bson.A{id}}}
		killed <- coll.Database().RunCommand(context.Background(), cmd).Err()
	}()
	for cursor.Next(t.Context()) {
	}
	failsWith(t, cursor.Err(), 237)
	must(t, <-killed)
}

// A client that goes away ends the request that waits for it.
func TestDisconnectEndsWait(t *testing.T) {
	d, client := start(t, Options{})
	coll := capped(t, client, 1, options.CreateCollection().SetSizeInBytes(1<<20))
	cursor, err := coll.Find(t.Context(), m{}, options.Find().SetCursorType(options.TailableAwait).SetMaxAwaitTime(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	cursor.Next(t.Context())
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		awaiting(t, d.Member(0), "getMore")
		cancel()
	}()
	if cursor.Next(ctx) || !errors.Is(cursor.Err(), context.Canceled) {
		t.Errorf("the error is %v", cursor.Err())
	}
	for busy, deadline := true, time.Now().Add(20*time.Second); busy; time.Sleep(time.Millisecond) {
		if busy = false; time.Now().After(deadline) {
			t.Fatal("the getMore goes on")
		}
		d.Member(0).mu.Lock()
		d.Member(0).runningLocked(func(c *conn) {
			key, _, _, _ := next(c.opBody[4:])
			busy = busy || string(key) == "getMore"
		})
		d.Member(0).mu.Unlock()
	}
}
