package chat_test

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/valet-go/valet/adapter"
	"github.com/valet-go/valet/backends/mongo"
	"github.com/valet-go/valet/backends/mysql"
	"github.com/valet-go/valet/cmd/demo/chat"
	"github.com/valet-go/valet/cmd/demo/chat/guest"
	"github.com/valet-go/valet/cmd/internal/embedded"
	"github.com/valet-go/valet/loop"
)

// limit bounds what a test waits for.
const limit = 60 * time.Second

// world is a chat and its databases.
type world struct {
	*chat.Chat
	t      *testing.T
	ctx    context.Context
	a      *adapter.Adapter
	db     *mysql.DB
	client *mongo.Client
	name   string // chat.Options.Name
}

// newWorld opens a chat on embedded databases. The test goes on beside others:
// most of them wait for people to come and go.
func newWorld(t *testing.T, opts chat.Options) *world {
	t.Helper()
	t.Parallel()
	dsn, uri := databases.use(t)
	return worldOn(t, dsn, uri, opts)
}

// databases are embedded, and run while tests use them: one of each, since two of
// go-mysql-server's in one process race.
var databases shared

type shared struct {
	mu    sync.Mutex // guards the rest
	users int
	my    *embedded.MySQL
	mo    *embedded.Mongo
	dir   string
}

// use returns the addresses, until the end of the test.
func (s *shared) use(t *testing.T) (dsn, uri string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.users == 0 {
		var err error
		s.dir, err = os.MkdirTemp("", "chat-")
		must(t, err)
		s.my, err = embedded.StartMySQL()
		must(t, err)
		s.mo, err = embedded.StartMongo(context.Background(), s.dir)
		must(t, err)
	}
	s.users++
	t.Cleanup(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.users--; s.users == 0 {
			must(t, errors.Join(s.my.Close(), s.mo.Close(), os.RemoveAll(s.dir)))
		}
	})
	return s.my.DSN(), s.mo.URI()
}

// worldOn opens a chat on databases that are there.
func worldOn(t *testing.T, dsn, uri string, opts chat.Options) *world {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	t.Cleanup(cancel)
	w := &world{t: t, ctx: ctx, name: "chat_" + strings.ToLower(rand.Text()[:10])}
	opts.Name = w.name
	l, err := loop.Start(context.Background())
	must(t, err)
	t.Cleanup(func() { must(t, l.Close()) })
	w.a = adapter.New(l)
	t.Cleanup(func() { must(t, w.a.Close(context.Background())) })
	w.db, err = mysql.Open(w.a, dsn, mysql.WithQueue(5000))
	must(t, err)
	t.Cleanup(func() { _ = adapter.WaitErr(func(cb func(error)) { w.db.Close(context.Background(), cb) }) })
	w.client, err = mongo.Open(w.a, options.Client().ApplyURI(uri).SetServerSelectionTimeout(2*time.Second))
	must(t, err)
	t.Cleanup(func() { _ = adapter.WaitErr(func(cb func(error)) { w.client.Disconnect(context.Background(), cb) }) })
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	w.Chat, err = chat.Open(ctx, w.a, w.db, w.client, "127.0.0.1:0", opts)
	must(t, err)
	t.Cleanup(func() { must(t, w.Close(context.Background())) })
	return w
}

// guest returns a guest who leaves at the end.
func (w *world) guest(room, nick string) *guest.Guest {
	g := guest.New(w.Addr(), room, nick)
	w.t.Cleanup(g.Leave)
	return g
}

// say posts under a new id.
func (w *world) say(g *guest.Guest, text string) int64 {
	w.t.Helper()
	n, err := g.Say(w.ctx, rand.Text(), text)
	must(w.t, err)
	return n
}

// stored is a message as MongoDB has it.
type stored struct {
	ID struct {
		Room string
		N    int64
	} `bson:"_id"`
	Nick   string
	Text   string
	At     time.Time
	Client string
}

func (w *world) collection() *mongo.Collection {
	return w.client.Database(w.name).Collection("messages")
}

// history is all of a room's messages, from MongoDB.
func (w *world) history(room string) (all []stored) {
	w.t.Helper()
	cur, err := adapter.Wait(func(cb func(*mongo.Cursor, error)) {
		w.collection().Find(w.ctx, bson.M{"_id.room": room}, cb, options.Find().SetSort(bson.M{"_id.n": 1}))
	})
	must(w.t, err)
	must(w.t, adapter.WaitErr(func(cb func(error)) { cur.All(w.ctx, &all, cb) }))
	return all
}

// insert makes a message in MongoDB alone, as a process does that then fails.
func (w *world) insert(room string, n int64, nick, text, client string) {
	w.t.Helper()
	doc := bson.M{"_id": bson.D{{Key: "room", Value: room}, {Key: "n", Value: n}}, "nick": nick, "text": text, "at": time.Now(), "client": client}
	_, err := adapter.Wait(func(cb func(*mongo.InsertOneResult, error)) { w.collection().InsertOne(w.ctx, doc, cb) })
	must(w.t, err)
}

// exec runs a statement on MySQL.
func (w *world) exec(query string) {
	w.t.Helper()
	_, err := adapter.Wait(func(cb func(mysql.Result, error)) { w.db.Exec(w.ctx, query, cb) })
	must(w.t, err)
}

// checkCounts compares MySQL's rows with MongoDB's messages.
func (w *world) checkCounts(rooms ...string) {
	w.t.Helper()
	posts, lasts := map[string]int64{}, map[string]int64{}
	for _, room := range rooms {
		for i, m := range w.history(room) {
			posts[m.Nick]++
			lasts[room]++
			if m.ID.N != int64(i+1) {
				w.t.Errorf("%s: message %d of the history has the number %d", room, i+1, m.ID.N)
			}
		}
	}
	for _, c := range []struct {
		query string
		want  map[string]int64
	}{
		{"SELECT nick, posts FROM " + w.name + "_users", posts},
		{"SELECT name, last FROM " + w.name + "_rooms", lasts},
	} {
		rows, err := w.db.Unwrap().QueryContext(w.ctx, c.query)
		must(w.t, err)
		got := map[string]int64{}
		for rows.Next() {
			var name string
			var n int64
			must(w.t, rows.Scan(&name, &n))
			got[name] = n
		}
		must(w.t, rows.Close())
		for name, n := range c.want {
			if got[name] != n {
				w.t.Errorf("%s: %s has %d; MongoDB says %d", c.query, name, got[name], n)
			}
		}
		if len(got) != len(c.want) {
			w.t.Errorf("%s: %v; want %v", c.query, got, c.want)
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
