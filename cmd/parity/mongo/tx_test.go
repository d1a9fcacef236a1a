package mongo

import (
	"context"
	"errors"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readconcern"
	"go.mongodb.org/mongo-driver/v2/mongo/readpref"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"
)

var txScenarios = []scenario{
	{name: "a transaction is committed by hand", run: txCommit, needs: transactions},
	{name: "a transaction is aborted by hand", run: txAbort, needs: transactions},
	{name: "a transaction runs by a function", run: txFunction, needs: transactions},
	{name: "a transaction of a function fails", run: txFunctionFails, needs: transactions},
	{name: "transactions are used wrongly", run: txWrong},
	{name: "a session ends with an open transaction", run: txEnd, needs: transactions},
	{name: "transactions conflict", run: txConflict, needs: transactions},
	{name: "a transaction has options", run: txOptions, needs: transactions},
	{name: "a cursor is read in a transaction", run: txCursor, needs: transactions},
}

func txCommit(p *program) {
	c := p.filled("numbers", 3)
	sess := p.must(p.client, "StartSession")
	ctx := p.in(bg, sess)
	p.do(sess, "StartTransaction")
	p.do(sess, "TransactionRunning")
	p.must(c, "InsertOne", ctx, doc("_id", 10))
	p.do(c, "UpdateByID", ctx, 1, doc("$set", doc("tx", true)))
	p.result(c, "FindOne", ctx, doc("_id", 10))
	p.result(c, "FindOne", bg, doc("_id", 10)) // not seen outside
	p.do(sess, "CommitTransaction", bg)
	p.do(sess, "TransactionRunning")
	p.do(sess, "CommitTransaction", bg) // again
	p.do(sess, "AbortTransaction", bg)
	p.found(c, doc(), byID())
	p.do(sess, "StartTransaction")
	p.do(sess, "CommitTransaction", bg) // of nothing
	p.do(sess, "StartTransaction")
	p.do(c, "InsertMany", ctx, bson.A{doc("_id", 11), doc("_id", 12)})
	p.result(c, "FindOneAndUpdate", ctx, doc("_id", 11), doc("$set", doc("x", 1)))
	p.do(c, "DeleteOne", ctx, doc("_id", 2))
	p.do(sess, "CommitTransaction", bg)
	p.found(c, doc(), byID())
	p.do(sess, "EndSession", bg)
}

func txAbort(p *program) {
	c := p.filled("numbers", 3)
	sess := p.must(p.client, "StartSession")
	ctx := p.in(bg, sess)
	p.do(sess, "StartTransaction")
	p.must(c, "InsertOne", ctx, doc("_id", 10))
	p.do(sess, "AbortTransaction", bg)
	p.do(sess, "AbortTransaction", bg)
	p.do(sess, "CommitTransaction", bg)
	p.found(c, doc(), byID())
	p.do(sess, "StartTransaction")
	p.do(sess, "AbortTransaction", bg) // of nothing
	p.do(sess, "StartTransaction")
	p.do(c, "InsertOne", ctx, doc("_id", 1)) // a duplicate
	p.do(c, "InsertOne", ctx, doc("_id", 20))
	p.do(sess, "CommitTransaction", bg)
	p.do(sess, "StartTransaction")
	p.do(c, "InsertOne", ctx, doc("_id", 30))
	p.do(sess, "AbortTransaction", bg)
	p.found(c, doc(), byID())
	p.do(sess, "EndSession", bg)
}

func txFunction(p *program) {
	c := p.filled("numbers", 3)
	sess := p.must(p.client, "StartSession")
	p.do(sess, "WithTransaction", bg, func(ctx context.Context) (any, error) {
		p.note("the context has the session", p.from(ctx) == sess)
		p.do(c, "InsertOne", ctx, doc("_id", 10))
		if p.err != nil {
			return nil, p.err
		}
		p.found(c, doc("_id", 10)) // outside
		p.result(c, "FindOne", ctx, doc("_id", 10))
		return "done", nil
	})
	p.need("WithTransaction", p.err)
	p.do(sess, "WithTransaction", bg, func(ctx context.Context) (any, error) {
		p.do(c, "InsertOne", ctx, doc("_id", 11))
		p.do(sess, "AbortTransaction", ctx)
		return "aborted", nil
	})
	p.do(sess, "WithTransaction", bg, func(ctx context.Context) (any, error) {
		p.do(c, "InsertOne", ctx, doc("_id", 12))
		p.do(sess, "CommitTransaction", ctx)
		return "committed", nil
	})
	p.do(sess, "WithTransaction", bg, func(context.Context) (any, error) { return 5, nil }, options.Transaction().SetWriteConcern(writeconcern.Majority()))
	p.found(c, doc(), byID())
	p.do(sess, "EndSession", bg)
}

func txFunctionFails(p *program) {
	c := p.filled("numbers", 3)
	sess := p.must(p.client, "StartSession")
	p.do(sess, "WithTransaction", bg, func(ctx context.Context) (any, error) {
		p.do(c, "InsertOne", ctx, doc("_id", 10))
		if p.err != nil {
			return nil, p.err
		}
		return "not seen", errOwn
	})
	if !p.isOwn() {
		p.need("WithTransaction", p.err)
	}
	p.do(sess, "WithTransaction", bg, func(ctx context.Context) (any, error) {
		p.do(c, "InsertOne", ctx, doc("_id", 1))
		return nil, p.err
	})
	p.do(sess, "TransactionRunning")
	p.do(sess, "StartTransaction")
	p.do(sess, "WithTransaction", bg, func(context.Context) (any, error) { return nil, nil })
	p.do(sess, "AbortTransaction", bg)
	tries := 0
	p.do(sess, "WithTransaction", bg, func(ctx context.Context) (any, error) {
		if tries++; tries < 3 {
			return nil, transient()
		}
		p.do(c, "InsertOne", ctx, doc("_id", 20))
		return tries, p.err
	})
	p.found(c, doc(), byID())
	p.do(sess, "EndSession", bg)
}

// isOwn reports whether the last step failed with the scenario's error.
func (p *program) isOwn() bool { return errors.Is(p.err, errOwn) }

// transient is an error for which a transaction is tried again.
func transient() error {
	return mongo.CommandError{Code: 251, Name: "NoSuchTransaction", Message: "made up", Labels: []string{"TransientTransactionError"}}
}

func txWrong(p *program) {
	c := p.filled("numbers", 1)
	sess := p.must(p.client, "StartSession")
	p.do(sess, "CommitTransaction", bg)
	p.do(sess, "AbortTransaction", bg)
	p.do(sess, "StartTransaction")
	p.do(sess, "StartTransaction")
	p.do(sess, "AbortTransaction", bg)
	p.do(sess, "StartTransaction", options.Transaction().SetWriteConcern(writeconcern.Unacknowledged()))
	p.do(c, "CountDocuments", bg, doc())
	p.do(sess, "EndSession", bg)
	p.do(sess, "StartTransaction")
}

func txEnd(p *program) {
	c := p.filled("numbers", 1)
	sess := p.must(p.client, "StartSession")
	p.do(sess, "StartTransaction")
	p.must(c, "InsertOne", p.in(bg, sess), doc("_id", 10))
	p.do(sess, "EndSession", bg) // aborts
	p.found(c, doc(), byID())
	p.do(p.client, "NumberSessionsInProgress")
	p.do(p.client, "UseSession", bg, func(ctx context.Context) error {
		p.do(p.from(ctx), "StartTransaction")
		p.do(c, "InsertOne", ctx, doc("_id", 11))
		return nil
	})
	p.found(c, doc(), byID())
}

func txConflict(p *program) {
	c := p.filled("numbers", 2)
	one, two := p.must(p.client, "StartSession"), p.must(p.client, "StartSession")
	p.do(one, "StartTransaction")
	p.do(two, "StartTransaction")
	p.must(c, "UpdateByID", p.in(bg, one), 1, doc("$set", doc("by", "one")))
	p.do(c, "UpdateByID", p.in(bg, two), 1, doc("$set", doc("by", "two")))
	p.do(two, "CommitTransaction", bg)
	p.do(two, "AbortTransaction", bg)
	p.do(one, "CommitTransaction", bg)
	p.found(c, doc(), byID())
	p.do(one, "EndSession", bg)
	p.do(two, "EndSession", bg)
}

func txOptions(p *program) {
	c := p.filled("numbers", 2)
	sess := p.must(p.client, "StartSession", options.Session().SetDefaultTransactionOptions(
		options.Transaction().SetReadConcern(readconcern.Snapshot()).SetWriteConcern(writeconcern.Majority())))
	ctx := p.in(bg, sess)
	p.do(sess, "StartTransaction")
	p.do(c, "CountDocuments", ctx, doc())
	p.need("CountDocuments", p.err)
	p.do(sess, "CommitTransaction", bg)
	p.do(sess, "StartTransaction", options.Transaction().SetReadConcern(readconcern.Majority()).SetReadPreference(readpref.Primary()))
	p.do(c, "CountDocuments", ctx, doc())
	p.do(sess, "AbortTransaction", bg)
	p.do(sess, "StartTransaction", options.Transaction().SetReadPreference(readpref.Secondary()))
	p.do(c, "CountDocuments", ctx, doc())
	p.do(sess, "AbortTransaction", bg)
	late, cancel := p.timeout(patience)
	p.do(sess, "WithTransaction", late, func(ctx context.Context) (any, error) {
		p.do(c, "InsertOne", ctx, doc("_id", 10))
		return nil, p.err
	})
	cancel()
	p.do(c, "CountDocuments", bg, doc())
	p.do(sess, "EndSession", bg)
}

func txCursor(p *program) {
	c := p.filled("numbers", 7)
	sess := p.must(p.client, "StartSession")
	ctx := p.in(bg, sess)
	p.do(sess, "StartTransaction")
	p.must(c, "InsertOne", ctx, doc("_id", 10))
	cur := p.must(c, "Find", ctx, doc(), byID().SetBatchSize(3))
	p.do(cur, "Next", ctx)
	p.do(c, "InsertOne", ctx, doc("_id", 11)) // between two batches
	p.read(cur)
	early := p.must(c, "Find", ctx, doc(), byID().SetBatchSize(3))
	p.do(early, "Next", ctx)
	p.do(sess, "CommitTransaction", bg)
	for range 3 {
		p.do(early, "Next", bg)
	}
	p.do(early, "Err")
	p.do(early, "Close", bg)
	all := p.must(c, "Aggregate", ctx, bson.A{doc("$sort", doc("_id", 1))})
	p.do(all, "All", ctx, new([]bson.D))
	p.do(sess, "EndSession", bg)
}
