package mongo

import (
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readconcern"
	"go.mongodb.org/mongo-driver/v2/mongo/readpref"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"
)

var databaseScenarios = []scenario{
	{name: "collections and views are created and listed", run: dbCollections},
	{name: "a database is dropped", run: dbDrop},
	{name: "commands are run", run: dbCommands},
	{name: "commands with cursors are run", run: dbCommandCursor},
	{name: "a database has options", run: dbOptions},
}

func dbCollections(p *program) {
	p.do(p.db, "Name")
	p.do(p.db, "CreateCollection", bg, "plain")
	p.do(p.db, "CreateCollection", bg, "plain")
	p.do(p.db, "CreateCollection", bg, "capped", options.CreateCollection().SetCapped(true).SetSizeInBytes(4096).SetMaxDocuments(3))
	p.do(p.db, "CreateCollection", bg, "")
	p.do(p.db, "CreateCollection", bg, "validated", options.CreateCollection().SetValidator(doc("n", doc("$gt", 0))))
	p.do(p.db, "CreateView", bg, "view", "plain", bson.A{doc("$match", doc("n", 1))})
	p.do(p.db, "CreateView", bg, "view", "plain", bson.A{})
	p.do(p.db, "CreateView", bg, "wrong", "plain", "not a pipeline")
	p.do(p.db, "ListCollectionNames", bg, doc("name", doc("$in", bson.A{"plain", "none"})))
	p.do(p.db, "ListCollectionNames", bg, doc("name", "capped"), options.ListCollections().SetNameOnly(true).SetBatchSize(1))
	p.do(p.db, "ListCollectionNames", bg, nil)
	p.do(p.db, "ListCollectionSpecifications", bg, doc("name", "capped"))
	p.do(p.db, "ListCollectionSpecifications", bg, doc("$wrong", 1))
	cur := p.must(p.db, "ListCollections", bg, doc("name", "plain"))
	p.read(cur)
	p.do(p.db, "ListCollections", bg, nil)
	capped := p.coll("capped")
	for i := range 5 {
		p.do(capped, "InsertOne", bg, doc("_id", i))
	}
	p.all(capped)
	validated := p.coll("validated")
	p.do(validated, "InsertOne", bg, doc("_id", 1, "n", 1))
	p.do(validated, "InsertOne", bg, doc("_id", 2, "n", -1))
	p.do(validated, "UpdateByID", bg, 1, doc("$set", doc("n", -1)))
	p.do(p.coll("plain"), "InsertMany", bg, bson.A{doc("_id", 1, "n", 1), doc("_id", 2, "n", 2)})
	p.found(p.coll("view"), doc())
}

func dbDrop(p *program) {
	p.filled("a", 1)
	p.filled("b", 1)
	p.do(p.db, "Drop", bg)
	p.do(p.db, "Drop", bg)
	p.do(p.db, "ListCollectionNames", bg, doc())
	p.all(p.coll("a"))
}

func dbCommands(p *program) {
	c := p.filled("numbers", 3)
	p.result(p.db, "RunCommand", bg, doc("ping", 1))
	p.result(p.db, "RunCommand", bg, bson.M{"ping": 1}, options.RunCmd().SetReadPreference(readpref.Primary()))
	p.result(p.db, "RunCommand", bg, doc("count", "numbers", "query", doc("n", doc("$gt", 0))))
	p.result(p.db, "RunCommand", bg, doc("insert", "numbers", "documents", bson.A{doc("_id", 1)}))
	p.result(p.db, "RunCommand", bg, doc("noSuchCommand", 1))
	p.result(p.db, "RunCommand", bg, doc("find", 1))
	p.result(p.db, "RunCommand", bg, doc())
	p.result(p.db, "RunCommand", bg, nil)
	p.result(p.db, "RunCommand", bg, bson.M{"ping": 1, "other": 2})
	p.result(p.db, "RunCommand", bg, 7)
	p.result(p.must(p.client, "Database", "admin"), "RunCommand", bg, doc("renameCollection", p.name()+".numbers",
		"to", p.name()+".renamed"))
	p.do(c, "CountDocuments", bg, doc())
	p.do(p.coll("renamed"), "CountDocuments", bg, doc())
}

func dbCommandCursor(p *program) {
	p.filled("numbers", 7)
	find := doc("find", "numbers", "sort", doc("_id", 1), "batchSize", 2)
	cur := p.must(p.db, "RunCommandCursor", bg, find)
	p.do(cur, "SetBatchSize", int32(3))
	p.read(cur)
	cur = p.must(p.db, "RunCommandCursor", bg, find, options.RunCmd().SetReadPreference(readpref.Primary()))
	p.do(cur, "SetComment", "a comment")
	p.do(cur, "All", bg, new([]bson.M))
	p.do(p.db, "RunCommandCursor", bg, doc("ping", 1))
	p.do(p.db, "RunCommandCursor", bg, doc("noSuchCommand", 1))
	p.do(p.db, "RunCommandCursor", bg, nil)
	cur = p.must(p.db, "RunCommandCursor", bg, doc("aggregate", "numbers", "pipeline", bson.A{doc("$match", doc("even", true))}, "cursor", doc("batchSize", 1)))
	p.do(cur, "All", bg, new([]bson.M))
}

func dbOptions(p *program) {
	db := p.must(p.client, "Database", p.name(), options.Database().
		SetReadConcern(readconcern.Local()).SetWriteConcern(writeconcern.W1()).SetReadPreference(readpref.Primary()).
		SetBSONOptions(&options.BSONOptions{DefaultDocumentM: true}))
	c := p.must(db, "Collection", "c")
	p.do(c, "InsertOne", bg, doc("_id", 1, "inner", doc("x", 1)))
	var v any
	p.do(p.one(c, "FindOne", bg, doc()), "Decode", &v)
	p.do(p.must(c, "Find", bg, doc()), "All", bg, new([]any))
	cur := p.one(db, "Aggregate", bg, bson.A{doc("$documents", bson.A{doc("n", 1), doc("n", 2)})})
	if p.err == nil {
		p.read(cur)
	}
	p.do(db, "Aggregate", bg, "not a pipeline")
	p.do(db, "Aggregate", bg, bson.A{doc("$noSuchStage", 1)})
}
