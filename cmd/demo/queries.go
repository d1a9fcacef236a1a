package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/valet-go/valet/backends/mongo"
	"github.com/valet-go/valet/backends/mysql"
)

// queries asks each database once, one from the callback of the other.
func (d *demo) queries(ctx context.Context) error {
	var names []string
	var found struct{ To string }
	letters := d.client.Database(storyDatabase).Collection("letters")
	began := time.Now()
	err := d.play(ctx, func(done func(error)) {
		d.db.Query(ctx, "SELECT name FROM valet_demo_users WHERE born > ? ORDER BY born", seen(d.w, func(rows *mysql.Rows, err error) {
			if err != nil {
				done(err)
				return
			}
			rows.Collect(ctx, 0, seen(d.w, func(all []*mysql.Row, err error) {
				names, err = scanNames(all, err)
				if err != nil {
					done(err)
					return
				}
				letters.FindOne(ctx, bson.M{"to": "Ada"}, seen(d.w, func(res *mongo.SingleResult, err error) {
					if err == nil {
						err = res.Decode(&found)
					}
					done(err)
				}))
			}))
		}), 1900)
	})
	switch {
	case err != nil:
		return err
	case len(names) != 3 || found.To != "Ada":
		return fmt.Errorf("got the names %q and the letter to %q; want three and Ada's", names, found.To)
	}
	d.out.line("MySQL: born after 1900: %s", strings.Join(names, ", "))
	d.out.line("MongoDB, asked from the callback of that: the letter to %s. Both took %s", found.To, ms(time.Since(began)))
	return nil
}

func scanNames(rows []*mysql.Row, err error) (names []string, _ error) {
	for _, row := range rows {
		var name string
		if err == nil {
			err = row.Scan(&name)
		}
		names = append(names, name)
	}
	return names, err
}

const (
	numbersStored = 500
	numbersBatch  = 150
)

// cursor reads more documents than one batch holds.
func (d *demo) cursor(ctx context.Context) error {
	coll := d.client.Database(storyDatabase).Collection("numbers")
	stored := make([]bson.M, numbersStored)
	for i := range stored {
		stored[i] = bson.M{"_id": i}
	}
	var batches []string
	sum, total := 0, 0
	began := time.Now()
	err := d.play(ctx, func(done func(error)) {
		read := func(cur *mongo.Cursor) {
			var next func()
			next = func() {
				cur.NextBatch(ctx, seen(d.w, func(batch []bson.Raw, err error) {
					if err != nil { // io.EOF is the end
						done(err)
						return
					}
					batches = append(batches, fmt.Sprint(len(batch)))
					total += len(batch)
					for _, doc := range batch {
						sum += int(doc.Lookup("_id").AsInt64())
					}
					next()
				}))
			}
			next()
		}
		coll.InsertMany(ctx, stored, seen(d.w, func(_ *mongo.InsertManyResult, err error) {
			if err != nil {
				done(err)
				return
			}
			coll.Find(ctx, bson.D{}, seen(d.w, func(cur *mongo.Cursor, err error) {
				if err != nil {
					done(err)
					return
				}
				read(cur)
			}), options.Find().SetBatchSize(numbersBatch))
		}))
	})
	if err != io.EOF {
		return err
	}
	if total != numbersStored || sum != numbersStored*(numbersStored-1)/2 || len(batches) < 3 {
		return fmt.Errorf("read %d documents with the sum %d in %d batches; want all %d in at least 3", total, sum, len(batches), numbersStored)
	}
	d.out.line("%d documents in %d batches of %s, a callback each; storing and reading took %s",
		total, len(batches), strings.Join(batches, ", "), ms(time.Since(began)))
	return nil
}
