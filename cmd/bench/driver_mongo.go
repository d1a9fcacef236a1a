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
)

// mongoDriver finds documents by _id through the official driver.
type mongoDriver struct{}

// mongoDatabase is created and dropped.
const mongoDatabase = "valet_bench"

// mongoDocument is what is stored under a key.
type mongoDocument struct {
	ID int    `bson:"_id"`
	V  string `bson:"v"`
}

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
	opts.SetDialer(contextDialer(dial)).SetServerSelectionTimeout(10 * time.Second)
	if at.TLS {
		cfg, err := at.tlsConfig(hostOf(opts.Hosts[0]))
		if err != nil {
			return nil, err
		}
		opts.SetTLSConfig(cfg)
	}
	return mongo.Connect(opts)
}

func (d mongoDriver) open(_ context.Context, at target, sp spec, dial dialFunc) (*session, error) {
	client, err := d.client(at, sp.Conns, dial)
	if err != nil {
		return nil, err
	}
	coll := client.Database(mongoDatabase).Collection("kv")
	return &session{
		read: func(ctx context.Context, key int) (string, error) {
			var doc mongoDocument
			err := coll.FindOne(ctx, bson.D{{Key: "_id", Value: key}}).Decode(&doc)
			return doc.V, err
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
	docs := make([]mongoDocument, keys)
	for i := range docs {
		docs[i] = mongoDocument{i, value(i)}
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
