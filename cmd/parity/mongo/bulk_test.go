package mongo

import (
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"
)

var bulkScenarios = []scenario{
	{name: "a collection writes in bulk", run: bulkCollection},
	{name: "a collection's bulk of errors has partial results", run: bulkErrors},
	{name: "an insert of many has partial results", run: bulkInsertMany},
	{name: "many documents are inserted", run: bulkMany},
	{name: "a client writes in bulk", run: bulkClient, needs: clientBulk},
	{name: "a client's bulk of errors has partial results", run: bulkClientErrors, needs: clientBulk},
}

// models are one write of each kind.
func models() []mongo.WriteModel {
	return []mongo.WriteModel{
		mongo.NewInsertOneModel().SetDocument(doc("_id", 100, "n", 100)),
		mongo.NewInsertOneModel().SetDocument(doc("n", 101)),
		mongo.NewUpdateOneModel().SetFilter(doc("_id", 1)).SetUpdate(doc("$set", doc("name", "one"))),
		mongo.NewUpdateManyModel().SetFilter(doc("even", true)).SetUpdate(doc("$inc", doc("n", 1000))),
		mongo.NewUpdateOneModel().SetFilter(doc("_id", 102)).SetUpdate(doc("$set", doc("n", 102))).SetUpsert(true),
		mongo.NewReplaceOneModel().SetFilter(doc("_id", 2)).SetReplacement(doc("replaced", true)),
		mongo.NewReplaceOneModel().SetFilter(doc("_id", 103)).SetReplacement(doc("replaced", "new")).SetUpsert(true),
		mongo.NewDeleteOneModel().SetFilter(doc("_id", 3)),
		mongo.NewDeleteManyModel().SetFilter(doc("n", doc("$lt", 6), "even", false)),
	}
}

func bulkCollection(p *program) {
	sorted := options.Find().SetSort(doc("_id", 1))
	for _, opts := range [][]any{
		nil,
		{options.BulkWrite().SetOrdered(false)},
		{options.BulkWrite().SetComment("bulk").SetBypassDocumentValidation(true)},
	} {
		c := p.filled("numbers", 8)
		p.do(c, "BulkWrite", append([]any{bg, models()}, opts...)...)
		p.found(c, doc("_id", doc("$type", "int")), sorted)
		p.do(c, "Drop", bg)
	}
	unacknowledged := p.coll("numbers", options.Collection().SetWriteConcern(writeconcern.Unacknowledged()))
	p.do(unacknowledged, "BulkWrite", bg, models()[:1])
	p.do(p.coll("numbers"), "BulkWrite", bg, []mongo.WriteModel{})
	p.do(p.coll("numbers"), "BulkWrite", bg, []mongo.WriteModel(nil))
	p.do(p.coll("numbers"), "BulkWrite", bg, []mongo.WriteModel{nil})
	p.do(p.coll("numbers"), "BulkWrite", bg, []mongo.WriteModel{mongo.NewInsertOneModel()})
	p.do(p.coll("numbers"), "BulkWrite", bg, []mongo.WriteModel{mongo.NewUpdateOneModel().SetFilter(doc()).SetUpdate(doc("no", "operator"))})
}

func bulkErrors(p *program) {
	failing := []mongo.WriteModel{
		mongo.NewInsertOneModel().SetDocument(doc("_id", 50)),
		mongo.NewInsertOneModel().SetDocument(doc("_id", 1)), // is there
		mongo.NewUpdateOneModel().SetFilter(doc("_id", 2)).SetUpdate(doc("$set", doc("seen", true))),
		mongo.NewInsertOneModel().SetDocument(doc("_id", 2)), // is there
		mongo.NewUpdateOneModel().SetFilter(doc("_id", 3)).SetUpdate(doc("$noSuchOperator", doc("n", 1))),
		mongo.NewDeleteOneModel().SetFilter(doc("_id", 4)),
	}
	for _, ordered := range []bool{true, false} {
		c := p.filled("numbers", 5)
		p.do(c, "BulkWrite", bg, failing, options.BulkWrite().SetOrdered(ordered))
		p.found(c, doc(), options.Find().SetSort(doc("_id", 1)))
		p.do(c, "Drop", bg)
	}
}

func bulkInsertMany(p *program) {
	for _, ordered := range []bool{true, false} {
		c := p.filled("numbers", 3)
		docs := []any{doc("_id", 10), doc("_id", 1), doc("_id", 11), doc("_id", 2), doc("_id", 12)}
		p.do(c, "InsertMany", bg, docs, options.InsertMany().SetOrdered(ordered))
		p.found(c, doc(), options.Find().SetSort(doc("_id", 1)).SetProjection(doc("_id", 1)))
		p.do(c, "Drop", bg)
	}
}

func bulkMany(p *program) {
	c := p.coll("large")
	docs := make([]any, 150)
	for i := range docs {
		docs[i] = doc("_id", i, "text", strings.Repeat("text ", 200))
	}
	docs[120] = doc("_id", 7)
	p.do(c, "InsertMany", bg, docs, options.InsertMany().SetOrdered(false))
	p.do(c, "CountDocuments", bg, doc())
}

func (p *program) clientModels(models ...mongo.ClientWriteModel) []mongo.ClientBulkWrite {
	var all []mongo.ClientBulkWrite
	for _, m := range models {
		all = append(all, mongo.ClientBulkWrite{Database: p.name(), Collection: "numbers", Model: m})
	}
	return all
}

func bulkClient(p *program) {
	all := func() []mongo.ClientBulkWrite {
		writes := p.clientModels(
			mongo.NewClientInsertOneModel().SetDocument(doc("_id", 100, "n", 100)),
			mongo.NewClientUpdateOneModel().SetFilter(doc("_id", 1)).SetUpdate(doc("$set", doc("name", "one"))),
			mongo.NewClientUpdateManyModel().SetFilter(doc("even", true)).SetUpdate(doc("$inc", doc("n", 1000))),
			mongo.NewClientUpdateOneModel().SetFilter(doc("_id", 102)).SetUpdate(doc("$set", doc("n", 102))).SetUpsert(true),
			mongo.NewClientReplaceOneModel().SetFilter(doc("_id", 2)).SetReplacement(doc("replaced", true)),
			mongo.NewClientDeleteOneModel().SetFilter(doc("_id", 3)),
			mongo.NewClientDeleteManyModel().SetFilter(doc("n", doc("$lt", 6), "even", false)),
		)
		writes[0].Collection = "others"
		return writes
	}
	for _, opts := range [][]any{
		nil,
		{options.ClientBulkWrite().SetVerboseResults(true)},
		{options.ClientBulkWrite().SetOrdered(false).SetVerboseResults(true).SetComment("bulk")},
	} {
		c := p.filled("numbers", 8)
		p.do(p.client, "BulkWrite", append([]any{bg, all()}, opts...)...)
		p.need("BulkWrite", p.err)
		p.found(c, doc(), options.Find().SetSort(doc("_id", 1)))
		p.all(p.coll("others"))
		p.do(c, "Drop", bg)
		p.do(p.coll("others"), "Drop", bg)
	}
	p.do(p.client, "BulkWrite", bg, []mongo.ClientBulkWrite{})
	p.do(p.client, "BulkWrite", bg, []mongo.ClientBulkWrite{{Database: "x", Collection: "y"}})
}

func bulkClientErrors(p *program) {
	for _, ordered := range []bool{true, false} {
		c := p.filled("numbers", 5)
		p.do(p.client, "BulkWrite", bg, p.clientModels(
			mongo.NewClientInsertOneModel().SetDocument(doc("_id", 50)),
			mongo.NewClientInsertOneModel().SetDocument(doc("_id", 1)),
			mongo.NewClientDeleteOneModel().SetFilter(doc("_id", 4)),
			mongo.NewClientInsertOneModel().SetDocument(doc("_id", 2)),
			mongo.NewClientInsertOneModel().SetDocument(doc("_id", 51)),
		), options.ClientBulkWrite().SetOrdered(ordered).SetVerboseResults(true))
		p.found(c, doc(), options.Find().SetSort(doc("_id", 1)).SetProjection(doc("_id", 1)))
		p.do(c, "Drop", bg)
	}
	p.do(p.client, "BulkWrite", bg, p.clientModels(mongo.NewClientUpdateOneModel().SetFilter(doc()).SetUpdate(doc("no", "operator"))))
	p.do(p.client, "BulkWrite", bg, p.clientModels(mongo.NewClientInsertOneModel().SetDocument(bson.D{})),
		options.ClientBulkWrite().SetWriteConcern(writeconcern.Unacknowledged()))
}
