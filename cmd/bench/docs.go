package main

import (
	"context"
	"fmt"
	"net"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/valet-go/valet/adapter"
	vmongo "github.com/valet-go/valet/backends/mongo"
	"github.com/valet-go/valet/loop"
)

// docs is the collection whose documents are read, in the order of their numbers.
func docs(client *mongo.Client) *mongo.Collection {
	return client.Database(mongoDatabase).Collection("docs")
}

// storeDocs stores documents like the rows of rowsQuery.
func storeDocs(ctx context.Context, at target, n int) error {
	client, err := mongoDriver{}.client(at, 1, new(net.Dialer).DialContext)
	if err != nil {
		return err
	}
	defer disconnect(client)
	const atOnce = 50_000
	batch := make([]numbered, 0, min(n, atOnce))
	for i := 1; i <= n; i++ {
		text := fmt.Sprint(i)
		batch = append(batch, numbered{i, text + strings.Repeat(".", rowText-len(text))})
		if i%atOnce != 0 && i != n {
			continue
		}
		if _, err := docs(client).InsertMany(ctx, batch); err != nil {
			return fmt.Errorf("mongo at %s: %w", at.Addr, err)
		}
		batch = batch[:0]
	}
	return nil
}

// docsOnGoroutine reads documents in a plain loop over cursor.Next.
func docsOnGoroutine(at target, _ *loop.Loop, dial dialFunc) (rowReader, error) {
	client, err := mongoDriver{}.client(at, 1, dial)
	if err != nil {
		return rowReader{}, err
	}
	read := func(ctx context.Context, n int) error {
		cur, err := docs(client).Find(ctx, bson.D{}, firstDocs(n))
		if err != nil {
			return err
		}
		defer cur.Close(ctx)
		var c rowCheck
		for cur.Next(ctx) {
			var doc numbered
			if err := cur.Decode(&doc); err != nil {
				return err
			}
			if err := c.check(doc); err != nil {
				return err
			}
		}
		return c.end(cur.Err(), n)
	}
	return rowReader{read, func() { disconnect(client) }}, nil
}

func firstDocs(n int) *options.FindOptionsBuilder { return options.Find().SetLimit(int64(n)) }

// docsByCursor reads documents with callbacks on a loop, by [vmongo.Cursor.Each],
// and decodes them there.
func docsByCursor(at target, l *loop.Loop, dial dialFunc) (rowReader, error) {
	return docsOnLoop(at, l, dial, func(ctx context.Context, cur *vmongo.Cursor, check func(numbered) error, done func(error)) {
		cur.Each(ctx, func(raw bson.Raw) error {
			var doc numbered
			if err := cur.Decode(raw, &doc); err != nil {
				return err
			}
			return check(doc)
		}, done)
	})
}

// docsDecoded reads documents with callbacks on a loop, by [vmongo.Each].
func docsDecoded(at target, l *loop.Loop, dial dialFunc) (rowReader, error) {
	return docsOnLoop(at, l, dial, vmongo.Each[numbered])
}

func docsOnLoop(at target, l *loop.Loop, dial dialFunc, each func(context.Context, *vmongo.Cursor, func(numbered) error, func(error))) (rowReader, error) {
	client, err := mongoDriver{}.client(at, 1, asOpen(dial))
	if err != nil {
		return rowReader{}, err
	}
	a := adapter.New(l).Backend("docs", adapter.WithSlots(1))
	coll := vmongo.NewCollection(a, docs(client))
	read := func(ctx context.Context, n int) error {
		return adapter.WaitErr(func(cb func(error)) {
			coll.Find(ctx, bson.D{}, func(cur *vmongo.Cursor, err error) {
				if err != nil {
					cb(err)
					return
				}
				var c rowCheck
				each(ctx, cur, c.check, func(err error) { cb(c.end(err, n)) })
			}, firstDocs(n))
		})
	}
	end := func() {
		ctx, cancel := context.WithTimeout(context.Background(), drainTimeout)
		defer cancel()
		a.Close(ctx)
		disconnect(client)
	}
	return rowReader{read, end}, nil
}
