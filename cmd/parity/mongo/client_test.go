package mongo

import (
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readpref"
)

var clientScenarios = []scenario{
	{name: "a client is asked about its deployment", run: clientAsked},
	{name: "a client without a server says so", run: clientAlone},
	{name: "a disconnected client refuses", run: clientGone},
	{name: "a client has a timeout for all calls", run: clientTimeout, client: func(o *options.ClientOptions) { o.SetTimeout(time.Minute) }},
}

func clientAsked(p *program) {
	p.do(p.client, "Ping", bg, nil)
	p.do(p.client, "Ping", bg, readpref.Primary())
	p.do(p.client, "Ping", bg, readpref.PrimaryPreferred())
	p.do(p.client, "NumberSessionsInProgress")
	p.do(p.client, "AppendDriverInfo", options.DriverInfo{Name: "parity", Version: "1"})
	db := p.must(p.client, "Database", p.name())
	p.do(db, "Name")
	p.do(p.one(db, "Client"), "NumberSessionsInProgress")
	p.filled("numbers", 1)
	own := doc("name", p.name())
	p.do(p.client, "ListDatabaseNames", bg, own)
	p.do(p.client, "ListDatabaseNames", bg, own, options.ListDatabases().SetNameOnly(true))
	p.do(p.client, "ListDatabases", bg, own, options.ListDatabases().SetNameOnly(true))
	p.do(p.client, "ListDatabases", bg, doc("name", "no such database"))
	p.do(p.client, "ListDatabases", bg, doc("$wrong", 1))
	p.do(p.client, "ListDatabases", bg, nil)
}

// nowhere are options for a client that finds no server.
func nowhere() *options.ClientOptions {
	return options.Client().ApplyURI("mongodb://127.0.0.1:1/").SetServerSelectionTimeout(250 * time.Millisecond).
		SetServerMonitoringMode(options.ServerMonitoringModePoll)
}

func clientAlone(p *program) {
	p.sent.ignore("endSessions")
	c := p.open(nowhere())
	p.do(c, "Ping", bg, nil)
	coll := p.must(p.must(c, "Database", "x"), "Collection", "y")
	p.do(coll, "InsertOne", bg, bson.M{"_id": 1})
	p.do(coll, "Find", bg, bson.M{})
	p.result(coll, "FindOne", bg, bson.M{})
	p.do(c, "Disconnect", bg)
}

func clientGone(p *program) {
	c := p.open(settings(p.srv, scenario{}, newCommands()))
	coll := p.must(p.must(c, "Database", "p_gone"), "Collection", "c")
	sess := p.must(c, "StartSession")
	cur := p.must(coll, "Find", bg, bson.D{})
	p.do(cur, "Close", bg)
	p.do(c, "Disconnect", bg)
	p.do(c, "Disconnect", bg)
	p.differs(closedClient).do(c, "Ping", bg, nil)
	p.differs(closedClient).do(c, "ListDatabaseNames", bg, bson.D{})
	p.differs(closedClient).do(coll, "InsertOne", bg, bson.D{})
	p.differs(closedClient).do(coll, "Find", bg, bson.D{})
	res := p.one(coll, "FindOne", bg, bson.D{})
	p.differs(closedClient).do(res, "Err")
	p.differs(closedClient).do(res, "Decode", new(bson.D))
	res = p.one(coll, "Distinct", bg, "x", bson.D{})
	p.differs(closedClient).do(res, "Err")
	p.differs(closedClient).do(coll, "BulkWrite", bg, models())
	p.differs(closedClient).do(coll, "Watch", bg, bson.A{})
	p.do(sess, "StartTransaction")
	p.do(cur, "Close", bg)
	p.do(sess, "EndSession", bg)
	p.do(c, "StartSession")
}

func clientTimeout(p *program) {
	c := p.filled("numbers", 10)
	p.do(c, "InsertOne", bg, doc("_id", 11))
	p.found(c, doc("_id", doc("$gt", 8)))
	p.read(p.must(c, "Find", bg, doc("_id", doc("$lt", 5)), options.Find().SetBatchSize(2).SetSort(doc("_id", 1))))
	p.result(c, "FindOne", bg, doc("_id", 3))
	p.do(c, "CountDocuments", bg, doc())
	p.do(c, "DeleteMany", bg, doc())
}
