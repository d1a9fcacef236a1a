package mongo

import (
	"context"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

var faultScenarios = []scenario{
	{name: "reads are tried again", run: faultReads, needs: failPoints},
	{name: "writes are tried again", run: faultWrites, needs: failPoints},
	{name: "nothing is tried again if it must not", run: faultNoRetry, needs: failPoints, client: func(o *options.ClientOptions) {
		o.SetRetryReads(false).SetRetryWrites(false)
	}},
	{name: "write concerns fail", run: faultConcern, needs: failPoints},
	{name: "cursors fail", run: faultCursor, needs: failPoints},
	{name: "a change stream resumes after errors", run: faultChanges, needs: changeStreams},
	{name: "a commit is tried again", run: faultCommit, needs: transactions},
	{name: "a transaction's function runs again", run: faultTransaction, needs: transactions},
	{name: "calls end while the server works", run: faultBlocked, needs: failPoints},
	{name: "a client's timeout ends calls", run: faultTimeout, needs: failPoints, client: func(o *options.ClientOptions) { o.SetTimeout(500 * time.Millisecond) }},
}

// fail makes the server fail commands of the side's client.
func (p *program) fail(mode any, data ...any) {
	p.t.Helper()
	// Not by p.client, for whose monitor it would be a command more.
	data = append(data, "appName", appName)
	p.noteError("a fail point", p.admin.Database("admin").RunCommand(bg, doc("configureFailPoint", "failCommand", "mode", mode, "data", doc(data...))).Err())
	p.need("a fail point", p.err)
}

func once() bson.D { return doc("times", 1) }

func faultReads(p *program) {
	c := p.filled("numbers", 3)
	for _, fault := range [][]any{{"errorCode", 91}, {"closeConnection", true}, {"errorCode", 8000}} {
		failing := func(mode any, command string) {
			p.fail(mode, append([]any{"failCommands", bson.A{command}}, fault...)...)
		}
		failing(once(), "find")
		p.result(c, "FindOne", bg, doc("_id", 1))
		if fault[1] == 91 { // a server whose state has to be asked for takes half a second
			failing(doc("times", 3), "find")
			p.result(c, "FindOne", bg, doc("_id", 1))
			p.off()
		} else {
			failing(once(), "aggregate")
			p.do(c, "CountDocuments", bg, doc())
			failing(once(), "distinct")
			p.result(c, "Distinct", bg, "n", doc())
			failing(once(), "listCollections")
			p.do(p.db, "ListCollectionNames", bg, doc())
		}
		p.off()
	}
}

// off ends a fail point.
func (p *program) off() {
	p.t.Helper()
	p.noteError("no fail point", p.admin.Database("admin").RunCommand(bg, doc("configureFailPoint", "failCommand", "mode", "off")).Err())
}

func faultWrites(p *program) {
	c := p.filled("numbers", 3)
	for i, fault := range [][]any{{"errorCode", 91}, {"closeConnection", true}, {"errorCode", 2}} {
		id := 100 * (i + 1)
		failing := func(mode any, command string) {
			p.fail(mode, append([]any{"failCommands", bson.A{command}}, fault...)...)
		}
		failing(once(), "insert")
		p.do(c, "InsertOne", bg, doc("_id", id))
		if fault[1] == 91 { // a server whose state has to be asked for takes half a second
			failing(once(), "update")
			p.do(c, "UpdateMany", bg, doc(), doc("$inc", doc("n", 1))) // must not be tried again
			failing(doc("times", 2), "insert")
			p.do(c, "BulkWrite", bg, []mongo.WriteModel{mongo.NewInsertOneModel().SetDocument(doc("_id", id+3))})
			p.off()
		} else {
			failing(once(), "update")
			p.do(c, "UpdateByID", bg, 1, doc("$inc", doc("n", 1)))
			failing(once(), "findAndModify")
			p.result(c, "FindOneAndUpdate", bg, doc("_id", 1), doc("$inc", doc("n", 1)))
			failing(once(), "bulkWrite")
			p.do(p.client, "BulkWrite", bg, p.clientModels(mongo.NewClientInsertOneModel().SetDocument(doc("_id", id+4))))
			p.off()
		}
		p.found(c, doc(), byID())
	}
}

func faultNoRetry(p *program) {
	c := p.filled("numbers", 3)
	p.fail(once(), "failCommands", bson.A{"find"}, "errorCode", 91)
	p.result(c, "FindOne", bg, doc("_id", 1))
	p.fail(once(), "failCommands", bson.A{"insert"}, "closeConnection", true)
	p.do(c, "InsertOne", bg, doc("_id", 50))
	p.off()
	p.found(c, doc(), byID())
}

func faultConcern(p *program) {
	c := p.filled("numbers", 3)
	for _, code := range []int{64, 91} {
		concern := doc("code", code, "errmsg", "made up", "errInfo", doc("why", "a test"))
		p.fail(once(), "failCommands", bson.A{"insert"}, "writeConcernError", concern)
		p.do(c, "InsertOne", bg, doc("_id", code))
		if code == 91 { // a server whose state has to be asked for takes half a second
			continue
		}
		p.fail(once(), "failCommands", bson.A{"insert"}, "writeConcernError", concern)
		p.do(c, "InsertMany", bg, bson.A{doc("_id", code+1), doc("_id", 1)})
		p.fail(once(), "failCommands", bson.A{"findAndModify"}, "writeConcernError", concern)
		p.result(c, "FindOneAndUpdate", bg, doc("_id", 1), doc("$set", doc("n", code)))
		p.fail(once(), "failCommands", bson.A{"delete"}, "writeConcernError", concern)
		p.do(c, "DeleteMany", bg, doc("_id", code))
		p.off()
	}
	p.found(c, doc(), byID())
}

func faultCursor(p *program) {
	c := p.filled("numbers", 9)
	for _, fault := range [][]any{{"errorCode", 91}, {"closeConnection", true}, {"errorCode", 43}} {
		cur := p.must(c, "Find", bg, doc(), byID().SetBatchSize(2))
		p.fail(once(), append([]any{"failCommands", bson.A{"getMore"}}, fault...)...)
		for range 4 {
			p.do(cur, "Next", bg)
			p.current(cur)
		}
		p.do(cur, "Err")
		p.may(earlyClose).do(cur, "Close", bg)
		cur = p.must(c, "Find", bg, doc(), byID().SetBatchSize(2))
		p.fail(once(), append([]any{"failCommands", bson.A{"getMore"}}, fault...)...)
		p.do(cur, "All", bg, new([]bson.D))
		p.off()
		cur = p.must(c, "Find", bg, doc(), byID().SetBatchSize(2))
		p.fail(once(), append([]any{"failCommands", bson.A{"killCursors"}}, fault...)...)
		p.do(cur, "Close", bg)
		p.off()
	}
}

func faultChanges(p *program) {
	c := p.filled("numbers", 3)
	p.must(c, "Watch", bg, bson.A{}) // closed with the client
	for i, fault := range [][]any{{"errorCode", 91}, {"errorCode", 43}, {"closeConnection", true}, {"errorCode", 8000}} {
		cs := p.must(c, "Watch", bg, bson.A{})
		p.do(c, "InsertMany", bg, bson.A{doc("_id", 100*i+10), doc("_id", 100*i+11)})
		p.event(cs)
		p.do(cs, "Next", bg)
		p.fail(once(), append([]any{"failCommands", bson.A{"getMore"}}, fault...)...)
		p.do(c, "InsertOne", bg, doc("_id", 100*i+12))
		p.event(cs)
		p.do(cs, "Err")
		p.may(earlyClose).do(cs, "Close", bg)
		p.off()
	}
	p.fail(once(), "failCommands", bson.A{"aggregate"}, "errorCode", 91)
	p.do(p.must(c, "Watch", bg, bson.A{}), "Close", bg)
	p.off()
}

func faultCommit(p *program) {
	c := p.filled("numbers", 3)
	sess := p.must(p.client, "StartSession")
	for i, fault := range [][]any{{"errorCode", 91}, {"closeConnection", true}} {
		for j, times := range []int{1, 2} {
			p.do(sess, "StartTransaction")
			p.must(c, "InsertOne", p.in(bg, sess), doc("_id", 100+10*i+j))
			p.fail(doc("times", times), append([]any{"failCommands", bson.A{"commitTransaction"}}, fault...)...)
			p.do(sess, "CommitTransaction", bg)
			p.do(sess, "CommitTransaction", bg)
			p.off()
		}
	}
	p.do(sess, "StartTransaction")
	p.do(c, "InsertOne", p.in(bg, sess), doc("_id", 200))
	p.fail(once(), "failCommands", bson.A{"abortTransaction"}, "closeConnection", true)
	p.do(sess, "AbortTransaction", bg)
	p.off()
	p.found(c, doc(), byID())
	p.do(sess, "EndSession", bg)
}

func faultTransaction(p *program) {
	c := p.filled("numbers", 3)
	sess := p.must(p.client, "StartSession")
	id := 100
	insert := func(ctx context.Context) (any, error) {
		p.do(c, "InsertOne", ctx, doc("_id", id))
		return id, p.err
	}
	p.do(sess, "WithTransaction", bg, insert)
	p.need("WithTransaction", p.err)
	for _, fault := range [][]any{
		{"failCommands", bson.A{"insert"}, "errorCode", 112, "errorLabels", bson.A{"TransientTransactionError"}},
		{"failCommands", bson.A{"insert"}, "closeConnection", true},
		{"failCommands", bson.A{"commitTransaction"}, "errorCode", 251, "errorLabels", bson.A{"TransientTransactionError"}},
		{"failCommands", bson.A{"commitTransaction"}, "errorCode", 64, "errorLabels", bson.A{"UnknownTransactionCommitResult"}},
		{"failCommands", bson.A{"commitTransaction"}, "closeConnection", true},
		{"failCommands", bson.A{"insert"}, "errorCode", 2},
	} {
		id++
		p.fail(once(), fault...)
		p.do(sess, "WithTransaction", bg, insert)
		p.off()
	}
	p.found(c, doc(), byID())
	p.do(sess, "EndSession", bg)
}

func faultBlocked(p *program) {
	c := p.filled("numbers", 3)
	block := func(command string) {
		p.fail(once(), "failCommands", bson.A{command}, "blockConnection", true, "blockTimeMS", 3000)
	}
	block("find")
	res := p.cut("find", c, "FindOne", doc("_id", 1))[0]
	p.do(res, "Err")
	block("insert")
	p.cut("insert", c, "InsertOne", doc("_id", 50))
	block("aggregate")
	p.cut("aggregate", c, "CountDocuments", doc())
	block("find")
	p.cut("find", c, "Find", doc())
	p.off()
	p.do(c, "InsertOne", bg, doc("_id", 60)) // over another connection
	block("find")
	late, cancel := p.timeout(400 * time.Millisecond)
	res = p.one(c, "FindOne", late, doc("_id", 1))
	p.may(twoLimits).do(res, "Err")
	cancel()
	block("update")
	late, cancel = p.timeout(400 * time.Millisecond)
	p.may(twoLimits).do(c, "UpdateByID", late, 1, doc("$set", doc("late", true)))
	cancel()
	p.off()
	p.do(c, "CountDocuments", bg, doc("_id", doc("$lt", 50)))
	p.may(twoLimits) // the commands
}

func faultTimeout(p *program) {
	// Not by the client, whose time would run.
	_, err := p.admin.Database(p.name()).Collection("numbers").InsertMany(bg, bson.A{doc("_id", 1), doc("_id", 2), doc("_id", 3), doc("_id", 4)})
	p.note("filled", err)
	c := p.coll("numbers")
	block := func(command string) {
		p.fail(once(), "failCommands", bson.A{command}, "blockConnection", true, "blockTimeMS", 3000)
	}
	block("find")
	res := p.one(c, "FindOne", bg, doc("_id", 1))
	p.may(twoLimits).do(res, "Err")
	block("insert")
	p.may(twoLimits).do(c, "InsertOne", bg, doc("_id", 50))
	cur := p.must(c, "Find", bg, doc(), byID().SetBatchSize(2))
	block("getMore")
	for range 3 {
		p.do(cur, "Next", bg)
	}
	p.may(twoLimits).do(cur, "Err")
	p.may(earlyClose).do(cur, "Close", bg)
	p.off()
	p.do(c, "CountDocuments", bg, doc("_id", doc("$lt", 50)))
	p.may(twoLimits) // the commands
}
