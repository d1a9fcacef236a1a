package mongo

import (
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

var aggregateScenarios = []scenario{
	{name: "documents are aggregated", run: aggregate},
	{name: "collections are joined", run: aggregateLookup, needs: lookups},
	{name: "an aggregation writes", run: aggregateOut},
}

func aggregate(p *program) {
	c := p.filled("numbers", 12)
	group := bson.A{
		doc("$match", doc("n", doc("$gte", 2))),
		doc("$group", doc("_id", "$even", "count", doc("$sum", 1), "sum", doc("$sum", "$n"))),
		doc("$sort", doc("_id", 1)),
	}
	p.read(p.must(c, "Aggregate", bg, group))
	p.read(p.must(c, "Aggregate", bg, bson.A{doc("$sort", doc("_id", -1)), doc("$project", doc("n", 1))}, options.Aggregate().SetBatchSize(5)))
	p.read(p.must(c, "Aggregate", bg, mongo.Pipeline{doc("$sort", doc("_id", 1)), doc("$skip", 3), doc("$limit", 2)}, options.Aggregate().SetAllowDiskUse(true).SetComment("agg")))
	p.read(p.must(c, "Aggregate", bg, []bson.D{doc("$count", "all")}))
	p.do(p.must(c, "Aggregate", bg, bson.A{}, options.Aggregate().SetBatchSize(2)), "All", bg, new([]bson.D))
	p.do(p.must(c, "Aggregate", bg, bson.A{doc("$match", doc("n", -1))}), "All", bg, new([]bson.D))
	p.do(c, "Aggregate", bg, bson.A{doc("$set", doc("x", doc("$add", bson.A{"$n", 1})))}, options.Aggregate().SetLet(doc("y", 1)))
	p.do(c, "Aggregate", bg, bson.A{doc("$group", doc("sum", doc("$sum", 1)))})
	p.do(c, "Aggregate", bg, doc("$match", doc()))
}

func aggregateLookup(p *program) {
	p.filled("numbers", 3)
	names := p.coll("names")
	p.must(names, "InsertMany", bg, bson.A{doc("_id", 1, "number", 2), doc("_id", 2, "number", 9)})
	cur := p.must(names, "Aggregate", bg, bson.A{
		doc("$lookup", doc("from", "numbers", "localField", "number", "foreignField", "_id", "as", "found")),
		doc("$sort", doc("_id", 1)),
	})
	p.read(cur)
}

func aggregateOut(p *program) {
	c := p.filled("numbers", 5)
	p.do(c, "Aggregate", bg, bson.A{doc("$match", doc("even", true)), doc("$out", "out")})
	p.found(p.coll("out"), doc(), byID())
	p.do(c, "Aggregate", bg, bson.A{doc("$match", doc("even", false)), doc("$merge", doc("into", "out"))})
	p.found(p.coll("out"), doc(), byID())
}
