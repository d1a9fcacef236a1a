package mongo

import (
	"context"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

var sessionScenarios = []scenario{
	{name: "a session is used by contexts", run: sessionUsed},
	{name: "a session is used by a function", run: sessionFunction},
	{name: "sessions advance", run: sessionAdvance},
	{name: "a session ends", run: sessionEnds},
	{name: "a session reads a snapshot", run: sessionSnapshot},
}

func sessionUsed(p *program) {
	c := p.filled("numbers", 4)
	sess := p.must(p.client, "StartSession", options.Session().SetCausalConsistency(true))
	p.do(sess, "ID")
	p.do(p.one(sess, "Client"), "NumberSessionsInProgress")
	p.do(sess, "ClusterTime")
	p.do(sess, "OperationTime")
	p.do(sess, "SnapshotTime")
	p.do(sess, "TransactionRunning")
	ctx := p.in(bg, sess)
	p.note("the context has it", p.from(ctx) == sess, p.from(bg) == nil)
	p.do(c, "InsertOne", ctx, doc("_id", 10))
	p.result(c, "FindOne", ctx, doc("_id", 10))
	p.do(c, "UpdateByID", ctx, 10, doc("$set", doc("x", 1)))
	p.do(c, "CountDocuments", ctx, doc())
	p.read(p.must(c, "Find", ctx, doc(), byID().SetBatchSize(2)))
	p.read(p.must(c, "Aggregate", ctx, bson.A{doc("$match", doc("_id", 10))}))
	p.do(p.db, "ListCollectionNames", ctx, doc())
	p.do(p.client, "Ping", ctx, nil)
	p.do(c, "BulkWrite", ctx, models())
	p.do(sess, "OperationTime")
	p.do(sess, "ClusterTime")
	other := p.must(p.open(settings(p.srv, scenario{}, newCommands())), "StartSession")
	p.do(c, "InsertOne", p.in(bg, other), doc("_id", 11)) // of another client
	p.do(other, "EndSession", bg)
	p.do(sess, "EndSession", bg)
	p.do(p.client, "NumberSessionsInProgress")
}

func sessionFunction(p *program) {
	c := p.filled("numbers", 2)
	use := func(ctx context.Context) error {
		p.note("the context has a session", p.from(ctx) != nil)
		p.do(c, "InsertOne", ctx, doc("name", "used"))
		p.found(c, doc("name", "used"))
		p.do(p.from(ctx), "TransactionRunning")
		return p.err
	}
	p.do(p.client, "UseSession", bg, use)
	p.do(p.client, "UseSessionWithOptions", bg, options.Session().SetCausalConsistency(false), use)
	p.do(p.client, "UseSession", bg, func(context.Context) error { return errOwn })
	p.do(p.client, "UseSessionWithOptions", bg, options.Session().SetCausalConsistency(true).SetSnapshot(true), use)
	p.do(p.client, "NumberSessionsInProgress")
}

func sessionAdvance(p *program) {
	c := p.filled("numbers", 2)
	sess := p.must(p.client, "StartSession")
	p.do(sess, "AdvanceOperationTime", &bson.Timestamp{T: 1, I: 2})
	p.do(sess, "OperationTime")
	p.do(sess, "AdvanceOperationTime", &bson.Timestamp{T: 1, I: 1})
	p.do(sess, "AdvanceClusterTime", raw(doc("$clusterTime", doc("clusterTime", bson.Timestamp{T: 1, I: 2}))))
	p.do(sess, "AdvanceClusterTime", bson.Raw(nil))
	p.do(sess, "ClusterTime")
	p.result(c, "FindOne", p.in(bg, sess), doc("_id", 1))
	p.do(sess, "OperationTime")
	p.do(sess, "EndSession", bg)
}

// raw is a document as bytes.
func raw(d bson.D) bson.Raw {
	b, err := bson.Marshal(d)
	if err != nil {
		panic(err)
	}
	return b
}

func sessionEnds(p *program) {
	c := p.filled("numbers", 5)
	sess := p.must(p.client, "StartSession")
	ctx := p.in(bg, sess)
	cur := p.must(c, "Find", ctx, doc(), byID().SetBatchSize(2))
	p.do(cur, "Next", ctx)
	p.do(sess, "EndSession", bg)
	p.do(sess, "EndSession", bg)
	p.do(c, "InsertOne", ctx, doc("_id", 10))
	p.do(sess, "StartTransaction")
	p.do(cur, "Next", bg)
	p.do(cur, "Next", bg)
	p.do(cur, "Err")
	p.differs(earlyClose).do(cur, "Close", bg)
	p.do(p.client, "StartSession", options.Session().SetCausalConsistency(true).SetSnapshot(true))
}

func sessionSnapshot(p *program) {
	c := p.filled("numbers", 2)
	sess := p.must(p.client, "StartSession", options.Session().SetSnapshot(true))
	ctx := p.in(bg, sess)
	p.do(c, "CountDocuments", ctx, doc())
	p.do(sess, "SnapshotTime")
	p.do(c, "InsertOne", bg, doc("_id", 10))
	p.do(c, "CountDocuments", ctx, doc())
	p.do(sess, "StartTransaction")
	p.do(sess, "EndSession", bg)
}
