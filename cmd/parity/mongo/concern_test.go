package mongo

import (
	"time"

	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readconcern"
	"go.mongodb.org/mongo-driver/v2/mongo/readpref"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"
)

var concernScenarios = []scenario{
	{name: "writes have concerns", run: concernWrites},
	{name: "reads have concerns and preferences", run: concernReads},
	{name: "unacknowledged writes have no results", run: concernUnacknowledged},
}

func concernWrites(p *program) {
	for _, concern := range []*writeconcern.WriteConcern{
		writeconcern.Majority(), writeconcern.W1(), writeconcern.Journaled(), writeconcern.Custom("no such tag"), {W: 2}, {W: 9},
	} {
		c := p.coll("written", options.Collection().SetWriteConcern(concern))
		p.do(c, "InsertOne", bg, doc("_id", 1))
		p.do(c, "InsertMany", bg, []any{doc("_id", 2), doc("_id", 3)})
		p.do(c, "UpdateByID", bg, 1, doc("$set", doc("n", 1)))
		p.result(c, "FindOneAndUpdate", bg, doc("_id", 1), doc("$inc", doc("n", 1)))
		p.do(c, "BulkWrite", bg, models()[:3])
		p.do(c, "InsertMany", bg, []any{doc("_id", 2), doc("_id", 1)}, options.InsertMany().SetOrdered(false)) // both errors
		p.do(c, "DeleteMany", bg, doc())
		p.do(c, "Drop", bg)
	}
	db := p.must(p.client, "Database", p.name(), options.Database().SetWriteConcern(&writeconcern.WriteConcern{W: 9}))
	p.do(db, "CreateCollection", bg, "created")
	p.do(p.must(p.must(db, "Collection", "created"), "Indexes"), "ListSpecifications", bg)
	p.do(db, "Drop", bg)
}

func concernReads(p *program) {
	p.filled("numbers", 3)
	for _, concern := range []*readconcern.ReadConcern{
		readconcern.Local(), readconcern.Majority(), readconcern.Available(), readconcern.Linearizable(), readconcern.Snapshot(), {Level: "no such level"},
	} {
		c := p.coll("numbers", options.Collection().SetReadConcern(concern))
		p.result(c, "FindOne", bg, doc("_id", 1))
		p.do(c, "CountDocuments", bg, doc())
	}
	for _, mode := range []readpref.Mode{readpref.PrimaryMode, readpref.PrimaryPreferredMode, readpref.SecondaryMode, readpref.SecondaryPreferredMode, readpref.NearestMode} {
		pref, err := readpref.New(mode, readpref.WithMaxStaleness(120*time.Second))
		if err != nil {
			pref = readpref.Primary()
		}
		c := p.coll("numbers", options.Collection().SetReadPreference(pref))
		p.do(p.one(c, "FindOne", bg, doc("_id", 99)), "Err")
	}
	pref, err := readpref.New(readpref.SecondaryMode, readpref.WithTags("no", "such tag"))
	p.note("the preference", err)
	c := p.coll("numbers", options.Collection().SetReadPreference(pref))
	ctx, cancel := p.timeout(250 * time.Millisecond)
	defer cancel()
	p.do(p.one(c, "FindOne", ctx, doc("_id", 99)), "Err")
}

func concernUnacknowledged(p *program) {
	c := p.coll("written", options.Collection().SetWriteConcern(writeconcern.Unacknowledged()))
	p.do(c, "InsertOne", bg, doc("_id", 1))
	p.do(c, "InsertMany", bg, []any{doc("_id", 2), doc("_id", 3)})
	p.do(c, "UpdateByID", bg, 1, doc("$set", doc("n", 1)))
	p.do(c, "ReplaceOne", bg, doc("_id", 2), doc("n", 2))
	p.do(c, "DeleteOne", bg, doc("_id", 3))
	p.do(c, "DeleteMany", bg, doc("_id", 3))
	p.result(c, "FindOneAndUpdate", bg, doc("_id", 1), doc("$inc", doc("n", 1)))
	p.result(c, "FindOneAndDelete", bg, doc("_id", 1))
	p.do(p.must(p.client, "Database", p.name(), options.Database().SetWriteConcern(writeconcern.Unacknowledged())), "CreateCollection", bg, "created")
}
