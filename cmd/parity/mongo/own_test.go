package mongo

import (
	"context"
	"io"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/valet-go/valet/adapter"
	asyncmongo "github.com/valet-go/valet/backends/mongo"
	"github.com/valet-go/valet/backends/mongo/syncmongo"
)

// What backends/mongo has and the driver has not is compared with what a program
// would write for the driver.
var ownScenarios = []scenario{
	{name: "cursors are read as values", run: ownRead},
	{name: "cursors are read by callbacks", run: ownEach},
	{name: "a list of documents stops where it should", run: ownList},
	{name: "a change stream is read by callbacks", run: ownChanges, needs: changeStreams},
	{name: "a transaction has steps", run: ownTransaction, needs: transactions},
	{name: "a session's calls take their turns", run: ownTurns},
	{name: "a client connects", run: ownConnect},
}

// number is a document of filled.
type number struct {
	ID   int `bson:"_id"`
	N    int
	Even bool
}

// wrong cannot be decoded from one.
type wrong struct {
	ID int `bson:"_id"`
	N  string
}

// collect decodes with the driver.
func collect[T any](cur *mongo.Cursor, limit int) ([]T, error) {
	all := []T{}
	for len(all) != limit || limit == 0 {
		if !cur.Next(bg) {
			return all, cur.Err()
		}
		var v T
		if err := cur.Decode(&v); err != nil {
			_ = cur.Close(bg)
			return nil, err
		}
		all = append(all, v)
	}
	return all, nil
}

// both queries, and notes what one of the functions makes of it.
func both[R any](p *program, what, collection string, filter any, raw func(*mongo.Cursor) (R, error), callbacks func(*asyncmongo.Cursor) (R, error)) {
	p.t.Helper()
	opts := byID().SetBatchSize(3)
	var got R
	var err error
	if p.async == nil {
		cur, findErr := p.db.(*mongo.Database).Collection(collection).Find(bg, filter, opts)
		p.need(what, findErr)
		got, err = raw(cur)
		p.note(what+": closing", cur.Close(bg))
	} else {
		cur, findErr := adapter.Wait(func(cb func(*asyncmongo.Cursor, error)) {
			p.async.Database(p.name()).Collection(collection).Find(bg, filter, cb, opts)
		})
		p.need(what, findErr)
		got, err = callbacks(cur)
		p.note(what+": closing", adapter.WaitErr(func(cb func(error)) { cur.Close(cb) }))
	}
	p.note(what, got)
	p.noteError(what, err)
}

func ownRead(p *program) {
	p.filled("numbers", 10)
	for _, filter := range []any{doc(), doc("_id", doc("$lte", 2)), doc("n", -1)} {
		both(p, "All", "numbers", filter,
			func(cur *mongo.Cursor) ([]number, error) { return collect[number](cur, 0) },
			func(cur *asyncmongo.Cursor) ([]number, error) {
				return adapter.Wait(func(cb func([]number, error)) { asyncmongo.All(bg, cur, cb) })
			})
		both(p, "All that is wrong", "numbers", filter,
			func(cur *mongo.Cursor) ([]wrong, error) { return collect[wrong](cur, 0) },
			func(cur *asyncmongo.Cursor) ([]wrong, error) {
				return adapter.Wait(func(cb func([]wrong, error)) { asyncmongo.All(bg, cur, cb) })
			})
		both(p, "Each", "numbers", filter,
			func(cur *mongo.Cursor) ([]number, error) { return collect[number](cur, 0) },
			func(cur *asyncmongo.Cursor) ([]number, error) {
				all := []number{}
				err := adapter.WaitErr(func(cb func(error)) {
					asyncmongo.Each(bg, cur, func(v number) error { all = append(all, v); return nil }, cb)
				})
				return all, err
			})
	}
}

func ownEach(p *program) {
	p.filled("numbers", 10)
	loop := func(stopAt int) func(cur *mongo.Cursor) ([]bson.Raw, error) {
		return func(cur *mongo.Cursor) (all []bson.Raw, err error) {
			for cur.Next(bg) {
				all = append(all, append(bson.Raw(nil), cur.Current...))
				if len(all) == stopAt {
					return all, errOwn
				}
			}
			return all, cur.Err()
		}
	}
	for _, stopAt := range []int{0, 1, 3, 5, 10} {
		both(p, "Each", "numbers", doc(), loop(stopAt), func(cur *asyncmongo.Cursor) (all []bson.Raw, err error) {
			err = adapter.WaitErr(func(cb func(error)) {
				cur.Each(bg, func(doc bson.Raw) error {
					if all = append(all, doc); len(all) == stopAt {
						return errOwn
					}
					return nil
				}, cb)
			})
			return all, err
		})
		p.may(readAhead).note("the commands", p.sent.take())
	}
	both(p, "NextBatch", "numbers", doc(), loop(0), func(cur *asyncmongo.Cursor) (all []bson.Raw, err error) {
		for {
			batch, err := adapter.Wait(func(cb func([]bson.Raw, error)) { cur.NextBatch(bg, cb) })
			if err == io.EOF {
				return all, nil
			}
			if err != nil {
				return all, err
			}
			all = append(all, batch...)
		}
	})
}

func ownList(p *program) {
	p.filled("numbers", 10)
	for _, limit := range []int{0, 1, 3, 4, 10, 11} {
		both(p, "ToList", "numbers", doc(),
			func(cur *mongo.Cursor) ([]number, error) { return collect[number](cur, limit) },
			func(cur *asyncmongo.Cursor) ([]number, error) {
				return adapter.Wait(func(cb func([]number, error)) { asyncmongo.ToList(bg, cur, limit, cb) })
			})
		both(p, "ToList, raw", "numbers", doc(),
			func(cur *mongo.Cursor) ([]bson.D, error) { return collect[bson.D](cur, limit) },
			func(cur *asyncmongo.Cursor) ([]bson.D, error) {
				raws, err := adapter.Wait(func(cb func([]bson.Raw, error)) { cur.ToList(bg, limit, cb) })
				all := []bson.D{}
				for _, raw := range raws {
					var d bson.D
					if err := bson.Unmarshal(raw, &d); err != nil {
						return nil, err
					}
					all = append(all, d)
				}
				return all, err
			})
		both(p, "ToList that is wrong", "numbers", doc(),
			func(cur *mongo.Cursor) ([]wrong, error) { return collect[wrong](cur, limit) },
			func(cur *asyncmongo.Cursor) ([]wrong, error) {
				return adapter.Wait(func(cb func([]wrong, error)) { asyncmongo.ToList(bg, cur, limit, cb) })
			})
	}
}

func ownChanges(p *program) {
	p.sent.ignore("getMore", "killCursors") // the next batch is asked for while one is handled
	c := p.filled("numbers", 1)
	type kind struct {
		Type string `bson:"operationType"`
	}
	var kinds []string
	add := func(decode func(any) error) error {
		var k kind
		if err := decode(&k); err != nil {
			return err
		}
		kinds = append(kinds, k.Type)
		return nil
	}
	change := func() {
		p.do(c, "InsertOne", bg, doc("_id", 10))
		p.do(c, "DeleteOne", bg, doc("_id", 10))
		p.do(c, "Drop", bg)
	}
	if p.async == nil {
		cs, err := c.(*mongo.Collection).Watch(bg, bson.A{})
		p.noteError("Watch", err)
		p.need("Watch", err)
		change()
		for cs.Next(bg) {
			p.note("event", add(cs.Decode))
		}
		p.noteError("the end", cs.Err())
		p.note("the token", cs.ResumeToken())
		p.note("closing", cs.Close(bg))
	} else {
		cs, err := adapter.Wait(func(cb func(*asyncmongo.ChangeStream, error)) {
			p.async.Database(p.name()).Collection("numbers").Watch(bg, bson.A{}, cb)
		})
		p.noteError("Watch", err)
		p.need("Watch", err)
		change()
		err = adapter.WaitErr(func(cb func(error)) {
			cs.Each(bg, func(event bson.Raw) error {
				p.note("event", add(func(v any) error { return cs.Decode(event, v) }))
				return nil
			}, cb)
		})
		p.noteError("the end", err)
		p.note("the token", cs.ResumeToken())
		p.note("closing", adapter.WaitErr(func(cb func(error)) { cs.Close(cb) }))
	}
	p.note("the kinds", kinds)
}

func ownTransaction(p *program) {
	c := p.filled("numbers", 3)
	for i, why := range []error{nil, errOwn, transient()} {
		tries := 0
		outcome := func() error {
			if tries++; i == 2 && tries == 3 {
				return nil
			}
			return why
		}
		var err error
		if p.async == nil {
			sess, startErr := p.client.(*mongo.Client).StartSession()
			p.need("StartSession", startErr)
			numbers := c.(*mongo.Collection)
			_, err = sess.WithTransaction(bg, func(ctx context.Context) (any, error) {
				if _, err := numbers.InsertOne(ctx, doc("_id", 10+i)); err != nil {
					return nil, err
				}
				if _, err := numbers.UpdateByID(ctx, 1, doc("$inc", doc("n", 1))); err != nil {
					return nil, err
				}
				return nil, outcome()
			})
			sess.EndSession(bg)
		} else {
			sess, startErr := p.async.StartSession()
			p.need("StartSession", startErr)
			numbers := p.async.Database(p.name()).Collection("numbers")
			err = adapter.WaitErr(func(cb func(error)) {
				sess.Transaction(bg, func(ctx context.Context, end func(error)) {
					numbers.InsertOne(ctx, doc("_id", 10+i), func(_ *mongo.InsertOneResult, err error) {
						if err != nil {
							end(err)
							return
						}
						numbers.UpdateByID(ctx, 1, doc("$inc", doc("n", 1)), func(_ *mongo.UpdateResult, err error) {
							if err != nil {
								end(err)
								return
							}
							end(outcome())
						})
					})
				}, cb)
			})
			p.need("EndSession", adapter.WaitErr(func(cb func(error)) { sess.EndSession(bg, cb) }))
		}
		p.noteError("the transaction", err)
		if p.err != nil && i == 0 {
			p.need("the transaction", p.err)
		}
		p.note("tries", tries)
		p.found(c, doc(), byID())
	}
}

func ownTurns(p *program) {
	c := p.filled("numbers", 1)
	sess := p.must(p.client, "StartSession")
	ctx := p.in(bg, sess)
	const n = 20
	var results []any
	if p.async == nil {
		for i := range n {
			res, err := c.(*mongo.Collection).InsertOne(ctx, doc("_id", 100+i))
			results = append(results, res, err)
		}
	} else {
		numbers := p.async.Database(p.name()).Collection("numbers")
		done := make(chan struct{})
		for i := range n { // all at once
			numbers.InsertOne(ctx, doc("_id", 100+i), func(res *mongo.InsertOneResult, err error) {
				if results = append(results, res, err); len(results) == 2*n {
					close(done)
				}
			})
		}
		<-done
	}
	p.note("the results", results)
	p.found(c, doc(), byID())
	p.do(sess, "EndSession", bg)
}

func ownConnect(p *program) {
	for _, opts := range []func() any{
		func() any { return p.client },
		func() any { return p.open(nowhere()) },
	} {
		switch client := opts().(type) {
		case *mongo.Client:
			p.noteError("connecting", client.Ping(bg, nil))
		case *syncmongo.Client:
			if client == p.client {
				p.noteError("connecting", adapter.WaitErr(func(cb func(error)) { p.async.Connect(bg, cb) }))
				continue
			}
			p.noteError("connecting", client.Ping(bg, nil))
		}
	}
}
