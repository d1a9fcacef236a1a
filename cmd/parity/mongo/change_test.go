package mongo

import (
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

var changeScenarios = []scenario{
	{name: "changes of a collection are watched", run: changeCollection, needs: changeStreams},
	{name: "changes of a database and a client are watched", run: changeWider, needs: changeStreams},
	{name: "a change stream resumes after a token", run: changeResume, needs: changeStreams},
	{name: "a change stream is tried", run: changeTry, needs: changeStreams},
	{name: "a change stream ends with its collection", run: changeInvalidate, needs: changeStreams},
	{name: "a change stream's context ends", run: changeContext, needs: changeStreams},
	{name: "change streams are opened wrongly", run: changeWrong, needs: changeStreams},
}

// event reads the next event of a stream, step by step.
func (p *program) event(cs any) {
	p.t.Helper()
	p.do(cs, "Next", bg)
	p.current(cs)
	p.do(cs, "ResumeToken")
	p.do(cs, "RemainingBatchLength")
}

func changeCollection(p *program) {
	c := p.filled("numbers", 2)
	cs := p.must(c, "Watch", bg, bson.A{})
	p.do(cs, "ID")
	p.do(cs, "ResumeToken")
	p.do(c, "InsertOne", bg, doc("_id", 10, "n", 10))
	p.event(cs)
	p.do(c, "UpdateByID", bg, 10, doc("$set", doc("n", 11), "$unset", doc("x", 1)))
	p.do(c, "ReplaceOne", bg, doc("_id", 10), doc("replaced", true))
	p.do(c, "DeleteOne", bg, doc("_id", 10))
	for range 3 {
		p.event(cs)
	}
	type change struct {
		Kind string `bson:"operationType"`
		Key  bson.M `bson:"documentKey"`
	}
	p.do(cs, "Decode", new(change))
	p.do(cs, "Decode", nil)
	p.do(c, "InsertMany", bg, bson.A{doc("_id", 20), doc("_id", 21), doc("_id", 22)})
	p.do(cs, "SetBatchSize", int32(2))
	for range 3 {
		p.event(cs)
	}
	p.do(cs, "Err")
	p.do(cs, "Close", bg)
	p.do(cs, "Close", bg)
	p.do(cs, "Err")
	p.do(cs, "ID")

	full := p.must(c, "Watch", bg, bson.A{doc("$match", doc("operationType", "update"))}, options.ChangeStream().SetFullDocument(options.UpdateLookup).SetBatchSize(1).SetComment("full"))
	p.do(c, "InsertOne", bg, doc("_id", 30))
	p.do(c, "UpdateByID", bg, 30, doc("$set", doc("n", 1)))
	p.event(full)
	p.do(full, "Close", bg)
}

func changeWider(p *program) {
	a, b := p.filled("a", 1), p.filled("b", 1)
	own := bson.A{doc("$match", doc("ns.db", p.name()))}
	ofDB := p.must(p.db, "Watch", bg, bson.A{})
	ofClient := p.must(p.client, "Watch", bg, own)
	p.do(a, "InsertOne", bg, doc("_id", 10))
	p.do(b, "InsertOne", bg, doc("_id", 11))
	for range 2 {
		p.event(ofDB)
		p.event(ofClient)
	}
	p.do(ofDB, "Close", bg)
	p.do(ofClient, "Close", bg)
}

func changeResume(p *program) {
	c := p.filled("numbers", 1)
	cs := p.must(c, "Watch", bg, bson.A{})
	p.do(c, "InsertMany", bg, bson.A{doc("_id", 10), doc("_id", 11), doc("_id", 12)})
	p.event(cs)
	token := p.one(cs, "ResumeToken")
	p.do(cs, "Close", bg)
	for _, opts := range []*options.ChangeStreamOptionsBuilder{
		options.ChangeStream().SetResumeAfter(token),
		options.ChangeStream().SetStartAfter(token),
	} {
		again := p.must(c, "Watch", bg, bson.A{}, opts)
		p.do(again, "ResumeToken")
		p.event(again)
		p.event(again)
		p.do(again, "Close", bg)
	}
	p.do(c, "Watch", bg, bson.A{}, options.ChangeStream().SetResumeAfter(doc("_data", "no token")))
	p.do(c, "Watch", bg, bson.A{}, options.ChangeStream().SetResumeAfter(token).SetStartAfter(token))
	at := p.must(c, "Watch", bg, bson.A{}, options.ChangeStream().SetStartAtOperationTime(&bson.Timestamp{T: 1 << 31, I: 1}).SetMaxAwaitTime(10*time.Millisecond))
	p.do(at, "TryNext", bg)
	p.do(at, "Close", bg)
}

func changeTry(p *program) {
	c := p.filled("numbers", 1)
	cs := p.must(c, "Watch", bg, bson.A{}, options.ChangeStream().SetMaxAwaitTime(20*time.Millisecond))
	p.do(cs, "TryNext", bg)
	p.do(cs, "Err")
	p.do(cs, "ID")
	p.do(c, "InsertMany", bg, bson.A{doc("_id", 10), doc("_id", 11)})
	p.do(cs, "TryNext", bg)
	p.current(cs)
	p.do(cs, "TryNext", bg)
	p.current(cs)
	p.do(cs, "TryNext", bg)
	p.current(cs)
	p.do(cs, "Close", bg)
}

func changeInvalidate(p *program) {
	c := p.filled("numbers", 1)
	cs := p.must(c, "Watch", bg, bson.A{})
	p.do(c, "Drop", bg)
	p.event(cs) // drop
	p.event(cs) // invalidate
	token := p.one(cs, "ResumeToken")
	p.do(cs, "Next", bg)
	p.do(cs, "Err")
	p.do(cs, "ID")
	p.do(cs, "TryNext", bg)
	p.do(cs, "Close", bg)
	p.do(c, "Watch", bg, bson.A{}, options.ChangeStream().SetResumeAfter(token))
	after := p.must(c, "Watch", bg, bson.A{}, options.ChangeStream().SetStartAfter(token))
	p.do(c, "InsertOne", bg, doc("_id", 50))
	p.event(after)
	p.do(after, "Close", bg)
}

func changeContext(p *program) {
	p.sent.ignore("getMore", "killCursors", "aggregate") // the latter ones are the resumption's, too
	c := p.filled("numbers", 1)
	ctx, cancel := p.canceling()
	cs := p.must(c, "Watch", ctx, bson.A{})
	wait := p.start(cs, "Next", ctx)
	p.untilAsked("getMore")
	cancel()
	wait()
	p.may(resumption).do(cs, "Err")
	p.do(cs, "Next", bg)
	p.do(cs, "Close", bg)
	cs = p.must(c, "Watch", bg, bson.A{}, options.ChangeStream().SetMaxAwaitTime(5*time.Second))
	late, stop := p.timeout(300 * time.Millisecond)
	p.do(cs, "TryNext", late)
	p.may(resumption).do(cs, "Err")
	stop()
	p.do(cs, "Close", bg)
}

func changeWrong(p *program) {
	c := p.filled("numbers", 1)
	p.do(c, "Watch", bg, nil)
	p.do(c, "Watch", bg, "not a pipeline")
	p.do(c, "Watch", bg, bson.A{doc("$noSuchStage", 1)})
	cs := p.must(c, "Watch", bg, bson.A{doc("$project", doc("_id", 0))}) // it cannot resume
	p.do(c, "InsertOne", bg, doc("_id", 10))
	p.do(cs, "Next", bg)
	p.do(cs, "Err")
	p.do(cs, "Close", bg)
	for _, ctx := range p.ended()[:1] {
		p.do(c, "Watch", ctx, bson.A{})
	}
	p.differs(endedContext) // the commands
}
