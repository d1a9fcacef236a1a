package mongo

import (
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

var indexScenarios = []scenario{
	{name: "indexes are created, listed and dropped", run: indexes},
	{name: "search indexes are created, listed and dropped", run: indexesForSearch, needs: searchIndexes},
}

func indexes(p *program) {
	c := p.filled("numbers", 3)
	i := p.must(c, "Indexes")
	p.do(i, "CreateOne", bg, mongo.IndexModel{Keys: doc("n", 1)})
	p.do(i, "CreateOne", bg, mongo.IndexModel{Keys: doc("n", 1)}) // again
	p.do(i, "CreateOne", bg, mongo.IndexModel{Keys: doc("even", -1, "n", 1), Options: options.Index().SetName("both").SetUnique(true)})
	p.do(i, "CreateMany", bg, []mongo.IndexModel{{Keys: doc("a", 1)}, {Keys: doc("b", -1), Options: options.Index().SetSparse(true)}},
		options.CreateIndexes())
	p.do(i, "CreateMany", bg, []mongo.IndexModel{})
	p.do(i, "CreateOne", bg, mongo.IndexModel{})
	p.do(i, "CreateOne", bg, mongo.IndexModel{Keys: bson.M{"x": 1, "y": 1}})
	p.do(i, "CreateOne", bg, mongo.IndexModel{Keys: doc("n", -1), Options: options.Index().SetName("n_1")})
	p.do(i, "CreateOne", bg, mongo.IndexModel{Keys: doc("t", 1), Options: options.Index().SetExpireAfterSeconds(3600)})
	p.do(i, "ListSpecifications", bg)
	cur := p.must(i, "List", bg, options.ListIndexes().SetBatchSize(2))
	p.read(cur)
	p.found(c, doc("n", 1), options.Find().SetHint(doc("n", 1)))
	p.do(i, "DropOne", bg, "a_1")
	p.do(i, "DropOne", bg, "no such index")
	p.do(i, "DropOne", bg, "*")
	p.do(i, "DropOne", bg, "")
	p.do(i, "DropOne", bg, "_id_")
	p.do(i, "DropWithKey", bg, doc("b", -1))
	p.do(i, "DropWithKey", bg, doc("no", 1))
	p.do(i, "DropAll", bg)
	p.do(i, "ListSpecifications", bg)
	none := p.must(p.coll("no such collection"), "Indexes")
	p.do(none, "ListSpecifications", bg)
	p.do(none, "DropAll", bg)
	p.do(none, "List", bg)
}

func indexesForSearch(p *program) {
	c := p.filled("numbers", 1)
	i := p.must(c, "SearchIndexes")
	definition := doc("mappings", doc("dynamic", true))
	p.must(i, "CreateOne", bg, mongo.SearchIndexModel{Definition: definition, Options: options.SearchIndexes().SetName("first")})
	p.do(i, "CreateOne", bg, mongo.SearchIndexModel{Definition: definition}) // by the default name
	p.do(i, "CreateMany", bg, []mongo.SearchIndexModel{
		{Definition: definition, Options: options.SearchIndexes().SetName("second")},
		{Definition: definition, Options: options.SearchIndexes().SetName("third").SetType("search")},
	})
	p.do(i, "CreateOne", bg, mongo.SearchIndexModel{})
	p.do(i, "UpdateOne", bg, "first", doc("mappings", doc("dynamic", false)))
	p.do(i, "UpdateOne", bg, "no such index", definition)
	cur := p.one(i, "List", bg, options.SearchIndexes().SetName("first"))
	if p.err == nil {
		p.do(cur, "All", bg, new([]bson.D))
	}
	cur = p.one(i, "List", bg, options.SearchIndexes())
	if p.err == nil {
		p.do(cur, "All", bg, new([]bson.D))
	}
	p.do(i, "DropOne", bg, "second")
	p.do(i, "DropOne", bg, "no such index")
}
