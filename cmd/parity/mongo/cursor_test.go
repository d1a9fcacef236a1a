package mongo

import (
	"reflect"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

var cursorScenarios = []scenario{
	{name: "a cursor is read in batches", run: cursorBatches},
	{name: "a cursor is tried", run: cursorTry},
	{name: "all of a cursor is decoded", run: cursorAll},
	{name: "a cursor is closed early", run: cursorClose},
	{name: "a cursor that the server forgot fails", run: cursorForgotten},
	{name: "a cursor's context ends", run: cursorContext},
	{name: "a tailable cursor waits", run: cursorTailable},
	{name: "a tailable cursor is cut by its context", run: cursorTailableCut},
}

// byID sorts.
func byID() *options.FindOptionsBuilder { return options.Find().SetSort(doc("_id", 1)) }

func cursorBatches(p *program) {
	c := p.filled("numbers", 11)
	p.read(p.must(c, "Find", bg, doc(), byID()))
	p.read(p.must(c, "Find", bg, doc(), byID().SetBatchSize(3)))
	p.read(p.must(c, "Find", bg, doc(), byID().SetBatchSize(1).SetLimit(4)))
	p.read(p.must(c, "Find", bg, doc(), byID().SetBatchSize(11)))
	p.read(p.must(c, "Find", bg, doc(), byID().SetBatchSize(0).SetLimit(2)))
	p.read(p.must(c, "Find", bg, doc("n", -1)))
	p.read(p.must(c, "Find", bg, doc(), byID().SetLimit(-3)))
	cur := p.must(c, "Find", bg, doc(), byID().SetBatchSize(2))
	p.do(cur, "SetBatchSize", int32(4))
	p.do(cur, "SetComment", "another")
	p.read(cur)
	cur = p.must(c, "Find", bg, doc(), byID().SetBatchSize(5))
	p.do(cur, "Next", bg)
	p.do(cur, "SetBatchSize", int32(1))
	p.read(cur)
	cur = p.must(c, "Find", bg, doc(), byID())
	p.do(cur, "SetMaxAwaitTime", time.Millisecond) // it is not tailable
	p.do(cur, "Next", bg)
	p.do(cur, "Close", bg)
}

func cursorTry(p *program) {
	c := p.filled("numbers", 5)
	cur := p.must(c, "Find", bg, doc(), byID().SetBatchSize(2))
	for range 7 {
		p.do(cur, "TryNext", bg)
		p.current(cur)
		p.do(cur, "RemainingBatchLength")
	}
	p.atEnd(cur)
}

func cursorAll(p *program) {
	c := p.filled("numbers", 9)
	find := func() any { return p.must(c, "Find", bg, doc(), byID().SetBatchSize(4)) }
	var raws []bson.Raw
	p.do(find(), "All", bg, &raws)
	var maps []bson.M
	p.do(find(), "All", bg, &maps)
	type number struct {
		ID   int `bson:"_id"`
		N    int
		Kept string
	}
	var structs []number
	p.do(find(), "All", bg, &structs)
	var pointers []*number
	p.do(find(), "All", bg, &pointers)
	full := []number{{Kept: "a"}, {Kept: "b"}}
	cur := find()
	p.differs(newElements).do(cur, "All", bg, &full)
	many := make([]number, 20)
	p.do(find(), "All", bg, &many)
	var held any = []number{}
	p.do(find(), "All", bg, &held)
	var wrong []struct{ N string }
	p.do(find(), "All", bg, &wrong)
	cur = find()
	p.do(cur, "Next", bg)
	p.do(cur, "Next", bg)
	var rest []number
	p.differs(allAgain).do(cur, "All", bg, &rest)
	p.do(cur, "Err")
	p.do(cur, "ID")
	p.do(cur, "Next", bg)
	p.do(cur, "Close", bg)
	var again []number
	p.do(cur, "All", bg, &again)
	empty := p.must(c, "Find", bg, doc("n", -1))
	untouched := []number{{ID: 7}}
	p.do(empty, "All", bg, &untouched)
	var none []number
	p.do(p.must(c, "Find", bg, doc("n", -1)), "All", bg, &none)
}

func cursorClose(p *program) {
	c := p.filled("numbers", 10)
	cur := p.must(c, "Find", bg, doc(), byID().SetBatchSize(3))
	p.do(cur, "Close", bg)
	p.do(cur, "Close", bg)
	p.do(cur, "Err")
	p.do(cur, "ID")
	cur = p.must(c, "Find", bg, doc(), byID().SetBatchSize(3))
	p.do(cur, "Next", bg)
	p.do(cur, "Close", bg)
	cur = p.must(c, "Find", bg, doc(), byID()) // all of it came
	p.do(cur, "Next", bg)
	p.do(cur, "Close", bg)
	p.do(p.client, "NumberSessionsInProgress")
}

func cursorForgotten(p *program) {
	c := p.filled("numbers", 10)
	for _, method := range []string{"Next", "TryNext", "All"} {
		cur := p.must(c, "Find", bg, doc(), byID().SetBatchSize(3))
		for range 3 {
			p.do(cur, "Next", bg)
		}
		id := reflect.ValueOf(cur).MethodByName("ID").Call(nil)[0].Int()
		p.note("killed", p.admin.Database(p.name()).RunCommand(bg, doc("killCursors", "numbers", "cursors", bson.A{id})).Err())
		if method == "All" {
			p.do(cur, method, bg, new([]bson.D))
		} else {
			p.do(cur, method, bg)
		}
		p.do(cur, "Err")
		if method != "All" {
			p.differs(earlyClose)
		}
		p.do(cur, "ID")
		p.do(cur, "Next", bg)
		p.do(cur, "Close", bg)
	}
}

func cursorContext(p *program) {
	c := p.filled("numbers", 10)
	ctx, cancel := p.canceling()
	cur := p.must(c, "Find", ctx, doc(), byID().SetBatchSize(3))
	p.do(cur, "Next", ctx)
	cancel() // that of Find and of the first Next does not bound the others
	for range 4 {
		p.do(cur, "Next", bg)
		p.current(cur)
	}
	p.differs(endedContext).do(cur, "Next", ctx) // of what is there
	p.differs(endedContext).do(cur, "Err")
	p.differs(earlyClose).do(cur, "Next", bg)
	p.do(cur, "Close", bg)
	cur = p.must(c, "Find", bg, doc(), byID().SetBatchSize(3))
	p.do(cur, "All", ctx, new([]bson.D))
	p.do(cur, "Close", bg)
	p.differs(endedContext) // the commands
}

func cursorTailable(p *program) {
	p.sent.ignore("getMore")
	p.must(p.db, "CreateCollection", bg, "capped", options.CreateCollection().SetCapped(true).SetSizeInBytes(1<<16))
	c := p.coll("capped")
	p.must(c, "InsertMany", bg, bson.A{doc("_id", 1), doc("_id", 2)})
	batch := int32(1)
	if p.srv.tailsEnd { // FerretDB: with a full first batch its cursor goes on, but sees nothing
		batch = 10
	}
	cur := p.must(c, "Find", bg, doc(), options.Find().SetCursorType(options.TailableAwait).SetBatchSize(batch).SetMaxAwaitTime(20*time.Millisecond))
	p.do(cur, "Next", bg)
	p.current(cur)
	p.do(cur, "TryNext", bg)
	p.do(cur, "TryNext", bg) // nothing
	p.do(cur, "Err")
	p.do(cur, "ID")
	wait := p.start(cur, "Next", bg)
	_, err := p.admin.Database(p.name()).Collection("capped").InsertOne(bg, doc("_id", 3))
	p.note("inserted", err)
	wait()
	p.current(cur)
	p.do(cur, "SetMaxAwaitTime", 30*time.Millisecond)
	p.do(cur, "TryNext", bg)
	p.do(cur, "Close", bg)
	cur = p.must(c, "Find", bg, doc("_id", doc("$gt", 2)), options.Find().SetCursorType(options.Tailable).SetBatchSize(1))
	p.do(cur, "Next", bg)
	p.do(cur, "TryNext", bg)
	p.do(cur, "Close", bg)
	plain := p.filled("plain", 1)
	p.do(plain, "Find", bg, doc(), options.Find().SetCursorType(options.TailableAwait))
}

func cursorTailableCut(p *program) {
	p.sent.ignore("getMore", "killCursors") // which is not waited for when a call is cut off
	p.must(p.db, "CreateCollection", bg, "capped", options.CreateCollection().SetCapped(true).SetSizeInBytes(1<<16))
	c := p.coll("capped")
	p.must(c, "InsertOne", bg, doc("_id", 1))
	find := func() any {
		cur := p.must(c, "Find", bg, doc(), options.Find().SetCursorType(options.TailableAwait).SetBatchSize(1).SetMaxAwaitTime(time.Second))
		p.do(cur, "Next", bg)
		return cur
	}
	cur := find()
	p.cut("getMore", cur, "Next")
	p.do(cur, "Err")
	p.do(cur, "Next", bg)
	p.do(cur, "Close", bg)
	cur = find()
	late, cancel := p.timeout(300 * time.Millisecond) // shorter than the server may wait
	p.do(cur, "Next", late)
	p.do(cur, "Err")
	cancel()
	p.do(cur, "Close", bg)
}

// name is the database's.
func (p *program) name() string { return p.db.(interface{ Name() string }).Name() }
