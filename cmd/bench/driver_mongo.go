package main

import (
	"context"
	"fmt"
	"net"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/valet-go/valet/adapter"
	vmongo "github.com/valet-go/valet/backends/mongo"
)

// mongoDriver finds documents by _id through the official driver, and decodes
// them into a struct.
type mongoDriver struct{}

// mongoDatabase is created and dropped.
const mongoDatabase = "valet_bench"

// mongoDocuments are in the collection; those that are read are spread over them.
const mongoDocuments = 1000

// mongoDocument is some 200 bytes of BSON.
type mongoDocument struct {
	ID      int       `bson:"_id"`
	V       string    `bson:"v"`
	Name    string    `bson:"name"`
	City    string    `bson:"city"`
	Created time.Time `bson:"created"`
	Visits  int64     `bson:"visits"`
	Score   float64   `bson:"score"`
	Active  bool      `bson:"active"`
}

func newMongoDocument(id int) mongoDocument {
	return mongoDocument{
		ID: id, V: value(id / mongoSpread % keys), Name: fmt.Sprintf("customer number %04d", id), City: "Bielefeld",
		Created: time.Unix(1_700_000_000+int64(id), 0), Visits: int64(id), Score: float64(id) / 7, Active: id%2 == 0,
	}
}

// mongoSpread is how far apart the documents are whose _id is asked for.
const mongoSpread = mongoDocuments / keys

// mongoFilter finds the document of a key.
func mongoFilter(key int) bson.D { return bson.D{{Key: "_id", Value: key * mongoSpread}} }

// contextDialer makes a dialFunc what the driver wants.
type contextDialer dialFunc

func (d contextDialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	return d(ctx, network, address)
}

// client connects with a pool of conns connections. The address is a URI, or
// host:port.
func (mongoDriver) client(at target, conns int, dial dialFunc) (*mongo.Client, error) {
	uri := at.Addr
	if !strings.Contains(uri, "://") {
		uri = "mongodb://" + uri + "/"
	}
	opts := options.Client().ApplyURI(uri)
	if err := opts.Validate(); err != nil {
		return nil, fmt.Errorf("%q is neither host:port nor a URI: %w", at.Addr, err)
	}
	opts.SetMaxPoolSize(uint64(conns)).SetMinPoolSize(uint64(conns)).SetRetryReads(false)
	// A client whose first look at the server comes to nothing looks again after
	// the interval, which is seen now and then, on any path.
	opts.SetDialer(contextDialer(dial)).SetServerSelectionTimeout(10 * time.Second).SetHeartbeatInterval(time.Second)
	if at.TLS {
		cfg, err := at.tlsConfig(hostOf(opts.Hosts[0]))
		if err != nil {
			return nil, err
		}
		opts.SetTLSConfig(cfg)
	}
	return mongo.Connect(opts)
}

// asOpen makes the connections those of [vmongo.Open].
func asOpen(dial dialFunc) dialFunc {
	return vmongo.ReadAhead(contextDialer(dial)).DialContext
}

func (d mongoDriver) open(_ context.Context, at target, sp spec, dial dialFunc) (*session, error) {
	if sp.Path == "valet" {
		dial = asOpen(dial)
	}
	client, err := d.client(at, sp.Conns, dial)
	if err != nil {
		return nil, err
	}
	coll := client.Database(mongoDatabase).Collection("kv")
	return &session{
		read: func(ctx context.Context, key int) (string, error) {
			var doc mongoDocument
			err := coll.FindOne(ctx, mongoFilter(key)).Decode(&doc)
			return doc.V, err
		},
		calls: func(a *adapter.Adapter) func(context.Context, int, func(string, error)) {
			wrapped := vmongo.NewCollection(a, coll)
			return func(ctx context.Context, key int, cb func(string, error)) {
				wrapped.FindOne(ctx, mongoFilter(key), func(res *mongo.SingleResult, err error) {
					var doc mongoDocument
					if err == nil {
						err = res.Decode(&doc)
					}
					cb(doc.V, err)
				})
			}
		},
		close: func() error { return disconnect(client) },
	}, nil
}

func (d mongoDriver) prepare(ctx context.Context, at target) (func(), error) {
	client, err := d.client(at, 1, new(net.Dialer).DialContext)
	if err != nil {
		return nil, err
	}
	defer disconnect(client)
	docs := make([]mongoDocument, mongoDocuments)
	for i := range docs {
		docs[i] = newMongoDocument(i)
	}
	if err = client.Database(mongoDatabase).Drop(ctx); err == nil {
		_, err = client.Database(mongoDatabase).Collection("kv").InsertMany(ctx, docs)
	}
	if err != nil {
		return nil, fmt.Errorf("mongo at %s: %w", at.Addr, err)
	}
	return func() { d.remove(at) }, nil
}

func (d mongoDriver) remove(at target) {
	client, err := d.client(at, 1, new(net.Dialer).DialContext)
	if err != nil {
		return
	}
	defer disconnect(client)
	ctx, cancel := context.WithTimeout(context.Background(), cleanupTimeout)
	defer cancel()
	client.Database(mongoDatabase).Drop(ctx)
}

func disconnect(client *mongo.Client) error {
	ctx, cancel := context.WithTimeout(context.Background(), cleanupTimeout)
	defer cancel()
	return client.Disconnect(ctx)
}
