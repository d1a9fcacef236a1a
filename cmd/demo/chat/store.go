package chat

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"

	"github.com/valet-go/valet/adapter"
	"github.com/valet-go/valet/backends/mongo"
	"github.com/valet-go/valet/backends/mysql"
	"github.com/valet-go/valet/loop"
)

// Message is one of a room's, as clients get it.
type Message struct {
	N    int64  `json:"n"` // its number in the room: 1, 2, 3 …
	Nick string `json:"nick"`
	Text string `json:"text"`
	At   int64  `json:"at"` // in ms since 1970
	ID   string `json:"id"` // the client's name for it
}

// document is how MongoDB keeps a message.
type document struct {
	ID     key       `bson:"_id"`
	Nick   string    `bson:"nick"`
	Text   string    `bson:"text"`
	At     time.Time `bson:"at"`
	Client string    `bson:"client"`
}

type key struct {
	Room string `bson:"room"`
	N    int64  `bson:"n"`
}

func (m *Message) document(room string) document {
	return document{key{room, m.N}, m.Nick, m.Text, time.UnixMilli(m.At), m.ID}
}

func (d *document) message() Message {
	return Message{d.ID.N, d.Nick, d.Text, d.At.UnixMilli(), d.Client}
}

// store is the two databases.
type store struct {
	db       *mysql.DB
	messages *mongo.Collection
	meta     *mongo.Collection
	users    string // MySQL's tables, quoted
	rooms    string
	history  string // names this history among all that there ever were
}

func newStore(db *mysql.DB, client *mongo.Client, name string) *store {
	journal := true
	in := client.Database(name, options.Database().SetWriteConcern(&writeconcern.WriteConcern{W: "majority", Journal: &journal}))
	return &store{
		db: db, messages: in.Collection("messages"), meta: in.Collection("meta"),
		users: "`" + name + "_users`", rooms: "`" + name + "_rooms`",
	}
}

// prepare makes tables and indexes if there are none. It blocks.
func (s *store) prepare(ctx context.Context) error {
	// As bytes: what MySQL takes for the same name, ada and Ada or a and ä,
	// must be the same for MongoDB.
	const name = "VARCHAR(%d) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin PRIMARY KEY"
	for _, query := range []string{
		"CREATE TABLE IF NOT EXISTS " + s.users + " (nick " + fmt.Sprintf(name, MaxNick) + ", posts BIGINT NOT NULL)",
		"CREATE TABLE IF NOT EXISTS " + s.rooms + " (name " + fmt.Sprintf(name, MaxRoom) + ", last BIGINT NOT NULL)",
	} {
		if _, err := adapter.Wait(func(cb func(mysql.Result, error)) { s.db.Exec(ctx, query, cb) }); err != nil {
			return fmt.Errorf("chat: %s: %w", query, err)
		}
	}
	if err := s.prepareMongo(ctx); err != nil {
		return fmt.Errorf("chat: preparing MongoDB: %w", err)
	}
	return nil
}

// prepareMongo makes the indexes and then the history's name, which says that
// they are there: FerretDB cannot be asked twice for an index.
func (s *store) prepareMongo(ctx context.Context) error {
	is := bson.M{"_id": "history"}
	var meta struct{ Value string }
	found, err := adapter.Wait(func(cb func(*mongo.SingleResult, error)) { s.meta.FindOne(ctx, is, cb) })
	if err == mongo.ErrNoDocuments {
		_, err = adapter.Wait(func(cb func([]string, error)) {
			s.messages.Indexes().CreateMany(ctx, []mongo.IndexModel{
				{Keys: bson.D{{Key: "_id.room", Value: 1}, {Key: "_id.n", Value: 1}}},
				{Keys: bson.D{{Key: "_id.room", Value: 1}, {Key: "client", Value: 1}}, Options: options.Index().SetUnique(true)},
			}, cb)
		})
		if err != nil {
			return err
		}
		found, err = adapter.Wait(func(cb func(*mongo.SingleResult, error)) {
			s.meta.FindOneAndUpdate(ctx, is, bson.M{"$setOnInsert": bson.M{"value": rand.Text()}}, cb,
				options.FindOneAndUpdate().SetUpsert(true).SetReturnDocument(options.After))
		})
	}
	if err == nil {
		err = found.Decode(&meta)
	}
	s.history = meta.Value
	return err
}

// find calls cb, on exec, with at most limit messages of a room, oldest first:
// those whose number is in the range, from its lower end if up, else from its
// upper end.
func (s *store) find(ctx context.Context, exec loop.Executor, room string, number bson.M, up bool, limit int, cb func([]Message, error)) {
	order := -1
	if up {
		order = 1
	}
	filter := bson.D{{Key: "_id.room", Value: room}}
	if number != nil {
		filter = append(filter, bson.E{Key: "_id.n", Value: number})
	}
	opts := options.Find().SetSort(bson.D{{Key: "_id.n", Value: order}}).SetLimit(int64(limit))
	s.list(ctx, exec, filter, opts, func(docs []document, err error) {
		if !up {
			slices.Reverse(docs)
		}
		messages := make([]Message, len(docs))
		for i := range docs {
			messages[i] = docs[i].message()
		}
		cb(messages, err)
	})
}

// list calls cb, on exec, with the documents that filter finds.
func (s *store) list(ctx context.Context, exec loop.Executor, filter any, opts options.Lister[options.FindOptions], cb func([]document, error)) {
	s.messages.On(exec).Find(ctx, filter, func(cur *mongo.Cursor, err error) {
		if err != nil {
			cb(nil, err)
			return
		}
		var docs []document
		cur.All(ctx, &docs, func(err error) { cb(docs, err) })
	}, opts)
}
