package mongo

import (
	"context"
	"errors"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

var errorScenarios = []scenario{
	{name: "duplicate keys are refused", run: errDuplicate},
	{name: "arguments are refused", run: errArguments},
	{name: "documents that cannot be marshalled are refused", run: errMarshal},
	{name: "operators are refused", run: errOperators},
	{name: "ended contexts start nothing", run: errContexts},
}

func errDuplicate(p *program) {
	c := p.filled("numbers", 3)
	p.do(c, "InsertOne", bg, doc("_id", 1))
	p.do(p.must(c, "Indexes"), "CreateOne", bg, mongo.IndexModel{Keys: doc("n", 1), Options: options.Index().SetUnique(true)})
	p.do(c, "InsertOne", bg, doc("_id", 10, "n", 2))
	p.do(c, "UpdateByID", bg, 1, doc("$set", doc("n", 1)))
	p.do(c, "UpdateMany", bg, doc(), doc("$set", doc("n", 9)))
	p.do(c, "ReplaceOne", bg, doc("_id", 1), doc("n", 1))
	p.do(c, "ReplaceOne", bg, doc("_id", 20), doc("n", 2), options.Replace().SetUpsert(true))
	p.result(c, "FindOneAndUpdate", bg, doc("_id", 1), doc("$set", doc("n", 1)))
	p.result(c, "FindOneAndReplace", bg, doc("_id", 1), doc("n", 1))
	p.do(c, "InsertMany", bg, bson.A{doc("_id", 30, "n", 30), doc("_id", 31, "n", 30)})
	p.do(p.must(c, "Indexes"), "CreateOne", bg, mongo.IndexModel{Keys: doc("even", 1), Options: options.Index().SetUnique(true)})
	p.do(c, "CountDocuments", bg, doc())
}

func errArguments(p *program) {
	c := p.filled("numbers", 2)
	var none *person
	p.do(c, "InsertOne", bg, nil)
	p.do(c, "InsertOne", bg, none)
	p.do(c, "InsertMany", bg, nil)
	p.do(c, "InsertMany", bg, []any{})
	p.do(c, "InsertMany", bg, "not a slice")
	p.do(c, "InsertMany", bg, []any{doc("_id", 5), nil})
	p.do(c, "UpdateOne", bg, nil, doc("$set", doc("x", 1)))
	p.do(c, "UpdateOne", bg, doc(), nil)
	p.do(c, "UpdateOne", bg, doc(), doc())
	p.do(c, "UpdateOne", bg, doc(), doc("x", 1))
	p.do(c, "UpdateMany", bg, doc(), doc("x", 1))
	p.do(c, "UpdateByID", bg, nil, doc("$set", doc("x", 1)))
	p.do(c, "ReplaceOne", bg, doc(), doc("$set", doc("x", 1)))
	p.do(c, "ReplaceOne", bg, doc(), nil)
	p.do(c, "DeleteOne", bg, nil)
	p.do(c, "DeleteMany", bg, nil)
	p.do(c, "Find", bg, nil)
	p.do(c, "Find", bg, bson.M{}, options.Find().SetSort(bson.M{"a": 1, "b": 1}))
	p.do(c, "CountDocuments", bg, nil)
	p.do(c, "Aggregate", bg, nil)
	p.do(c, "Aggregate", bg, "not a pipeline")
	p.result(c, "FindOne", bg, nil)
	p.result(c, "FindOneAndUpdate", bg, doc(), nil)
	p.result(c, "FindOneAndUpdate", bg, doc(), doc("x", 1))
	p.result(c, "FindOneAndReplace", bg, doc(), doc("$x", 1))
	p.result(c, "FindOneAndDelete", bg, nil)
	p.result(c, "Distinct", bg, "", doc())
	p.do(p.must(p.db, "Collection", ""), "InsertOne", bg, doc())
	p.do(p.must(p.must(p.client, "Database", ""), "Collection", "c"), "InsertOne", bg, doc())
	cur := p.must(c, "Find", bg, doc())
	p.do(cur, "All", bg, nil)
	p.do(cur, "All", bg, 5)
	p.do(cur, "All", bg, new(int))
	p.do(cur, "Close", bg)
	p.result(c, "FindOne", bg, doc("_id", 1))
	res := p.one(c, "FindOne", bg, doc("_id", 1))
	p.do(res, "Decode", nil)
	p.do(res, "Decode", none)
	p.do(res, "Decode", new(int))
	p.do(res, "Decode", new(struct{ N time.Time }))
}

// stubborn cannot be marshalled.
type stubborn struct{}

func (stubborn) MarshalBSON() ([]byte, error) { return nil, errOwn }

// closed cannot be unmarshalled.
type closed struct{}

func (*closed) UnmarshalBSON([]byte) error { return errOwn }

func errMarshal(p *program) {
	c := p.filled("numbers", 2)
	for _, v := range []any{stubborn{}, 5, "text", make(chan int), doc("x", make(chan int)), doc("x", stubborn{}), []byte("text"), bson.Raw{1, 2}} {
		p.do(c, "InsertOne", bg, v)
		p.do(c, "Find", bg, v)
		p.do(c, "UpdateOne", bg, doc(), v)
		p.do(c, "ReplaceOne", bg, v, doc())
		p.do(p.one(c, "FindOne", bg, v), "Err")
	}
	p.do(c, "InsertMany", bg, []any{doc("_id", 50), stubborn{}})
	p.do(p.one(c, "FindOne", bg, doc("_id", 1)), "Decode", new(closed))
	p.do(p.must(c, "Find", bg, doc()), "All", bg, new([]closed))
	p.do(p.must(c, "Find", bg, doc()), "All", bg, new([]struct{ N string }))
	cur := p.must(c, "Find", bg, doc())
	p.do(cur, "Decode", new(bson.D)) // before Next
	p.do(cur, "Next", bg)
	p.do(cur, "Decode", new(closed))
	p.do(cur, "Decode", nil)
	p.do(cur, "Decode", new(struct{ N string }))
	p.do(cur, "Decode", new(bson.D)) // it goes on
	p.do(cur, "Close", bg)
	p.do(c, "CountDocuments", bg, doc())
}

func errOperators(p *program) {
	c := p.filled("numbers", 2)
	p.do(c, "Find", bg, doc("$noSuchOperator", 1))
	p.do(c, "Find", bg, doc("n", doc("$noSuchOperator", 1)))
	p.result(c, "FindOne", bg, doc("n", doc("$in", 1)))
	p.do(c, "UpdateOne", bg, doc(), doc("$noSuchOperator", doc("x", 1)))
	p.do(c, "UpdateOne", bg, doc("_id", 1), doc("$inc", doc("even", 1)))
	p.do(c, "UpdateOne", bg, doc("_id", 1), doc("$set", doc("_id", 7)))
	p.do(c, "UpdateOne", bg, doc("_id", 1), doc("$push", doc("n", 1)))
	p.do(c, "UpdateOne", bg, doc("_id", 1), doc("$set", doc("a", 1), "$inc", doc("a", 1)))
	p.do(c, "DeleteMany", bg, doc("$noSuchOperator", 1))
	p.do(c, "Aggregate", bg, bson.A{doc("$noSuchStage", 1)})
	p.do(c, "Aggregate", bg, bson.A{doc("$match", doc(), "$limit", 1)})
	p.do(c, "CountDocuments", bg, doc("$noSuchOperator", 1))
	p.result(c, "Distinct", bg, "n", doc("$noSuchOperator", 1))
	p.result(c, "FindOneAndUpdate", bg, doc(), doc("$noSuchOperator", doc("x", 1)))
	p.do(p.must(c, "Indexes"), "CreateOne", bg, mongo.IndexModel{Keys: doc("x", "no such type")})
	p.found(c, doc(), options.Find().SetSort(doc("_id", 1)))
}

// ended are contexts that have ended: cancelled, too late, and for a reason.
func (p *program) ended() []context.Context {
	canceled, cancel := p.canceling()
	cancel()
	past, cancel2 := context.WithDeadline(bg, time.Unix(0, 0))
	p.t.Cleanup(cancel2)
	because, cancel3 := context.WithCancelCause(bg)
	cancel3(errors.New("because"))
	return []context.Context{canceled, past, because}
}

func errContexts(p *program) {
	c := p.filled("numbers", 3)
	indexes := p.must(c, "Indexes")
	for i, ctx := range p.ended() {
		late := func() *program { // the driver may have reckoned how long the server has
			if i == 1 {
				return p.may(endedContext)
			}
			return p
		}
		late().do(p.client, "Ping", ctx, nil)
		late().do(p.client, "ListDatabaseNames", ctx, doc())
		late().do(p.db, "ListCollectionNames", ctx, doc())
		late().do(c, "InsertOne", ctx, doc("_id", 100))
		late().do(c, "InsertMany", ctx, bson.A{doc("_id", 100)})
		late().do(c, "UpdateByID", ctx, 1, doc("$set", doc("seen", true)))
		late().do(c, "DeleteMany", ctx, doc())
		late().do(c, "Find", ctx, doc())
		late().do(c, "Aggregate", ctx, bson.A{})
		late().do(c, "CountDocuments", ctx, doc())
		res := p.one(c, "FindOne", ctx, doc())
		late().do(res, "Err")
		late().do(res, "Decode", new(bson.D))
		res = p.one(c, "Distinct", ctx, "n", doc())
		late().do(res, "Err")
		late().do(res, "Raw")
		late().do(res, "Decode", new([]any))
		late().do(c, "Drop", ctx)
		late().do(indexes, "ListSpecifications", ctx)
		p.differs(endedContext).do(c, "Find", ctx, nil)
		p.differs(endedContext).do(c, "InsertOne", ctx, nil)
		p.differs(endedContext).do(c, "BulkWrite", ctx, []mongo.WriteModel{})
	}
	p.found(c, doc(), options.Find().SetSort(doc("_id", 1)))
	p.differs(endedContext) // the commands
}
