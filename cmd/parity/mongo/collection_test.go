package mongo

import (
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

var collectionScenarios = []scenario{
	{name: "documents are inserted and found", run: collInsert},
	{name: "documents are updated and replaced", run: collUpdate},
	{name: "documents are deleted", run: collDelete},
	{name: "a document is found and changed at once", run: collFindAnd},
	{name: "documents are counted", run: collCount},
	{name: "values are told apart", run: collDistinct},
	{name: "values are told apart before a deadline", run: collDistinctDeadline, needs: distinctDeadline},
	{name: "a collection is cloned and dropped", run: collClone},
}

// doc is a document of pairs.
func doc(pairs ...any) bson.D {
	d := bson.D{}
	for i := 0; i < len(pairs); i += 2 {
		d = append(d, bson.E{Key: pairs[i].(string), Value: pairs[i+1]})
	}
	return d
}

// person is a document with a type.
type person struct {
	ID   any `bson:"_id,omitempty"`
	Name string
	Age  int      `bson:",omitempty"`
	Tags []string `bson:",omitempty"`
}

func collInsert(p *program) {
	c := p.coll("people")
	p.do(c, "Name")
	p.do(c, "InsertOne", bg, doc("_id", 1, "name", "Ada", "age", 36))
	p.do(c, "InsertOne", bg, bson.M{"name": "Alan"}) // with an _id of the driver's
	p.do(c, "InsertOne", bg, person{Name: "Grace", Age: 85, Tags: []string{"navy"}})
	p.do(c, "InsertOne", bg, doc("_id", "with options"), options.InsertOne().SetComment("a comment").SetBypassDocumentValidation(true))
	p.do(c, "InsertMany", bg, []any{doc("_id", 10), bson.M{"_id": 11}, person{ID: 12, Name: "Linus"}})
	p.do(c, "InsertMany", bg, []bson.D{doc("_id", 13), doc("_id", 14)}, options.InsertMany().SetOrdered(false).SetComment("many"))
	p.do(c, "InsertMany", bg, []person{{ID: 15, Name: "Barbara"}})
	p.result(c, "FindOne", bg, doc("_id", 1))
	p.result(c, "FindOne", bg, bson.M{"name": "Alan"})
	p.result(c, "FindOne", bg, doc("name", "Grace"), options.FindOne().SetProjection(doc("_id", 0, "tags", 1)))
	p.result(c, "FindOne", bg, doc("_id", doc("$gte", 10)), options.FindOne().SetSort(doc("_id", -1)).SetSkip(1))
	p.result(c, "FindOne", bg, doc("_id", "nobody"))
	found := new(person)
	p.do(p.one(c, "FindOne", bg, doc("_id", 15)), "Decode", found)
	p.found(c, doc("_id", doc("$type", "int")), options.Find().SetSort(doc("_id", -1)).SetLimit(3).SetSkip(1))
	p.found(c, doc("_id", doc("$in", bson.A{10, 11, 99})), options.Find().SetSort(doc("_id", 1)).SetProjection(doc("_id", 1)))
	p.found(c, doc("$or", bson.A{doc("_id", 1), doc("name", "Linus")}), options.Find().SetSort(doc("_id", 1)).SetComment("or").SetBatchSize(1))
	p.found(c, doc("age", doc("$gt", 30, "$lt", 90)), options.Find().SetSort(doc("age", 1)).SetAllowDiskUse(true).SetProjection(doc("_id", 0)))
	p.found(c, doc("_id", 10), options.Find().SetHint("_id_"))
	p.found(c, doc("_id", 10), options.Find().SetHint("no such index"))
	p.found(c, doc("name", bson.Regex{Pattern: "^A", Options: "i"}), options.Find().SetSort(doc("name", 1)).SetProjection(doc("_id", 0, "name", 1)))
}

func collUpdate(p *program) {
	c := p.filled("numbers", 6)
	p.do(c, "UpdateOne", bg, doc("_id", 1), doc("$set", doc("name", "one"), "$inc", doc("n", 10)))
	p.do(c, "UpdateOne", bg, doc("_id", 1), doc("$set", doc("name", "one"))) // changes nothing
	p.do(c, "UpdateOne", bg, doc("_id", 99), doc("$set", doc("name", "none")))
	p.do(c, "UpdateOne", bg, doc("_id", 7), doc("$set", doc("n", 6), "$setOnInsert", doc("new", true)), options.UpdateOne().SetUpsert(true))
	p.do(c, "UpdateOne", bg, doc("name", "upserted"), doc("$set", doc("n", 7)), options.UpdateOne().SetUpsert(true).SetComment("upsert"))
	p.do(c, "UpdateMany", bg, doc("even", true), doc("$set", doc("parity", "even")))
	p.do(c, "UpdateMany", bg, doc("even", false), doc("$unset", doc("even", ""), "$rename", doc("n", "m")))
	p.do(c, "UpdateMany", bg, doc("_id", 100), doc("$set", doc("n", 1)), options.UpdateMany().SetUpsert(true))
	p.do(c, "UpdateByID", bg, 2, doc("$push", doc("tags", "x")))
	p.do(c, "UpdateByID", bg, 2, doc("$push", doc("tags", doc("$each", bson.A{"y", "z"}))))
	p.do(c, "UpdateByID", bg, 2, doc("$pull", doc("tags", "y"), "$mul", doc("m", 3)))
	p.do(c, "UpdateByID", bg, 200, doc("$max", doc("n", 5)), options.UpdateOne().SetUpsert(true))
	p.do(c, "UpdateOne", bg, doc("tags", "z"), doc("$set", doc("tags.$[t]", "Z")), options.UpdateOne().SetArrayFilters([]any{doc("t", "z")}))
	p.do(c, "UpdateOne", bg, doc("_id", 3), bson.A{doc("$set", doc("pipeline", true))})
	p.do(c, "ReplaceOne", bg, doc("_id", 3), doc("replaced", true))
	p.do(c, "ReplaceOne", bg, doc("_id", 99), doc("replaced", true))
	p.do(c, "ReplaceOne", bg, doc("_id", 99), bson.M{"replaced": "new"}, options.Replace().SetUpsert(true).SetBypassDocumentValidation(true))
	p.found(c, doc("_id", doc("$type", "int")), options.Find().SetSort(doc("_id", 1)))
	p.found(c, doc("name", "upserted"), options.Find().SetProjection(doc("_id", 0)))
}

func collDelete(p *program) {
	c := p.filled("numbers", 8)
	p.do(c, "DeleteOne", bg, doc("even", true))
	p.do(c, "DeleteOne", bg, doc("_id", 99))
	p.do(c, "DeleteOne", bg, doc("_id", 2), options.DeleteOne().SetHint("_id_").SetComment("one"))
	p.do(c, "DeleteMany", bg, doc("n", doc("$gte", 6)), options.DeleteMany().SetComment("many"))
	p.do(c, "DeleteMany", bg, doc("n", doc("$gte", 6)))
	p.found(c, doc(), options.Find().SetSort(doc("_id", 1)))
	p.do(c, "DeleteMany", bg, doc())
	p.all(c)
}

func collFindAnd(p *program) {
	c := p.filled("numbers", 8)
	p.result(c, "FindOneAndUpdate", bg, doc("_id", 1), doc("$inc", doc("n", 5)))
	p.result(c, "FindOneAndUpdate", bg, doc("_id", 1), doc("$inc", doc("n", 5)), options.FindOneAndUpdate().SetReturnDocument(options.After).SetProjection(doc("n", 1)))
	p.result(c, "FindOneAndUpdate", bg, doc("_id", 99), doc("$inc", doc("n", 5)))
	p.result(c, "FindOneAndUpdate", bg, doc("_id", 99), doc("$inc", doc("n", 5)), options.FindOneAndUpdate().SetUpsert(true).SetReturnDocument(options.After))
	p.result(c, "FindOneAndUpdate", bg, doc("_id", 98), doc("$inc", doc("n", 5)), options.FindOneAndUpdate().SetUpsert(true))
	p.result(c, "FindOneAndUpdate", bg, doc("even", true), doc("$set", doc("last", true)), options.FindOneAndUpdate().SetSort(doc("_id", -1)))
	p.result(c, "FindOneAndReplace", bg, doc("_id", 2), doc("replaced", true))
	p.result(c, "FindOneAndReplace", bg, doc("_id", 2), doc("replaced", "again"), options.FindOneAndReplace().SetReturnDocument(options.After))
	p.result(c, "FindOneAndReplace", bg, doc("_id", 97), doc("replaced", "new"), options.FindOneAndReplace().SetUpsert(true).SetReturnDocument(options.After))
	p.result(c, "FindOneAndReplace", bg, doc("_id", 96), doc("replaced", "none"))
	p.result(c, "FindOneAndDelete", bg, doc("_id", 3))
	p.result(c, "FindOneAndDelete", bg, doc("_id", 3))
	p.result(c, "FindOneAndDelete", bg, doc("even", true), options.FindOneAndDelete().SetSort(doc("n", 1)).SetProjection(doc("_id", 0, "n", 1)))
	p.found(c, doc(), options.Find().SetSort(doc("_id", 1)))
}

func collCount(p *program) {
	c := p.filled("numbers", 25)
	p.do(c, "CountDocuments", bg, doc())
	p.do(c, "CountDocuments", bg, doc("even", true))
	p.do(c, "CountDocuments", bg, doc("n", doc("$lt", 20)), options.Count().SetSkip(3).SetLimit(10).SetComment("count"))
	p.do(c, "CountDocuments", bg, doc("n", -1))
	p.do(c, "CountDocuments", bg, doc("_id", 3), options.Count().SetHint("_id_"))
	p.do(c, "EstimatedDocumentCount", bg)
	p.do(c, "EstimatedDocumentCount", bg, options.EstimatedDocumentCount().SetComment("estimate"))
	empty := p.coll("no such collection")
	p.do(empty, "CountDocuments", bg, doc())
	p.do(empty, "EstimatedDocumentCount", bg)
	p.all(empty)
}

func collDistinct(p *program) {
	c := p.filled("numbers", 9)
	p.result(c, "Distinct", bg, "even", doc())
	p.result(c, "Distinct", bg, "n", doc("n", doc("$gt", 5)), options.Distinct().SetComment("distinct"))
	p.result(c, "Distinct", bg, "no such field", doc())
	p.result(c, "Distinct", bg, "n", nil)
	res := p.one(c, "Distinct", bg, "n", doc("n", doc("$lt", 3)))
	var ints []int32
	p.do(res, "Decode", &ints)
	var wrong []string
	p.do(res, "Decode", &wrong)
	p.do(res, "Decode", nil)
}

func collDistinctDeadline(p *program) {
	c := p.filled("numbers", 3)
	ctx, cancel := p.timeout(patience)
	defer cancel()
	p.result(c, "Distinct", ctx, "n", doc())
	p.need("Distinct", p.err)
}

func collClone(p *program) {
	c := p.filled("numbers", 2)
	clone := p.must(c, "Clone", options.Collection().SetBSONOptions(&options.BSONOptions{DefaultDocumentM: true}))
	p.do(clone, "Name")
	p.do(p.one(clone, "Database"), "Name")
	p.do(p.one(p.one(clone, "Database"), "Client"), "NumberSessionsInProgress")
	var v any
	p.do(p.one(clone, "FindOne", bg, doc("_id", 1)), "Decode", &v)
	v = nil
	p.do(p.one(c, "FindOne", bg, doc("_id", 1)), "Decode", &v)
	p.do(c, "Drop", bg)
	p.do(c, "Drop", bg)
	p.do(clone, "CountDocuments", bg, doc())
}
