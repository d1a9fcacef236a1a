package mongowire

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

func TestCatalog(t *testing.T) {
	_, client := start(t, Options{})
	ctx, db := t.Context(), client.Database("db")
	must(t, db.CreateCollection(ctx, "b"), db.CreateCollection(ctx, "a"), insertID(ctx, client.Database("x").Collection("c"), 1))
	failsWith(t, db.CreateCollection(ctx, "a"), 48)
	names, err := db.ListCollectionNames(ctx, m{})
	if must(t, err); !slices.Equal(names, []string{"a", "b"}) {
		t.Errorf("the collections are %v", names)
	}
	names, err = db.ListCollectionNames(ctx, m{"name": "b"})
	if must(t, err); !slices.Equal(names, []string{"b"}) {
		t.Errorf("the collections named b are %v", names)
	}
	dbs, err := client.ListDatabaseNames(ctx, m{"name": m{"$ne": "x"}})
	if must(t, err); !slices.Equal(dbs, []string{"db"}) {
		t.Errorf("the databases are %v", dbs)
	}
	rename := bson.D{{Key: "renameCollection", Value: "db.a"}, {Key: "to", Value: "db.z"}}
	must(t, client.Database("admin").RunCommand(ctx, rename).Err())
	names, err = db.ListCollectionNames(ctx, m{})
	if must(t, err); !slices.Equal(names, []string{"b", "z"}) {
		t.Errorf("the collections are %v", names)
	}
	must(t, db.Collection("z").Drop(ctx), db.Drop(ctx))
	dbs, err = client.ListDatabaseNames(ctx, m{})
	if must(t, err); !slices.Equal(dbs, []string{"x"}) {
		t.Errorf("the databases are %v", dbs)
	}
}

func TestIndexes(t *testing.T) {
	_, client := start(t, Options{})
	ctx, coll := t.Context(), filled(t, client, 5)
	unique := func(keys any) mongo.IndexModel {
		return mongo.IndexModel{Keys: keys, Options: options.Index().SetUnique(true)}
	}
	_, err := coll.Indexes().CreateOne(ctx, unique(m{"x": 1})) // 0 and 3 have the same
	failsWith(t, err, 11000)
	name, err := coll.Indexes().CreateOne(ctx, unique(bson.D{{Key: "a.b", Value: 1}, {Key: "_id", Value: -1}}))
	if must(t, err); name != "a.b_1__id_-1" {
		t.Errorf("the name is %s", name)
	}
	must(t, coll.Indexes().DropOne(ctx, name))
	_, err = coll.Indexes().CreateOne(ctx, mongo.IndexModel{Keys: m{"e": 1}, Options: options.Index().SetUnique(true)})
	failsWith(t, err, 11000) // what is not there is null
	_, err = coll.DeleteMany(ctx, m{"_id": m{"$gt": 1}})
	must(t, err)
	_, err = coll.UpdateOne(ctx, m{"_id": 0}, m{"$set": m{"e": "p"}})
	must(t, err)
	_, err = coll.Indexes().CreateOne(ctx, unique(m{"e": 1}))
	must(t, err)
	insert := func(e any) error {
		_, err := coll.InsertOne(ctx, m{"e": e})
		return err
	}
	must(t, insert("q"), insert(bson.A{"r", "s"}))
	failsWith(t, insert("q"), 11000)
	failsWith(t, insert(bson.A{"r", "s"}), 11000)
	_, err = coll.UpdateOne(ctx, m{"_id": 1}, m{"$set": m{"e": "q"}})
	failsWith(t, err, 11000)
	_, err = coll.DeleteOne(ctx, m{"e": "q"})
	must(t, err, insert("q"))
	specs, err := coll.Indexes().ListSpecifications(ctx)
	if must(t, err); len(specs) != 2 || specs[0].Name != "_id_" || specs[1].Name != "e_1" || !*specs[1].Unique {
		t.Errorf("the indexes are %v", specs)
	}
	must(t, coll.Indexes().DropAll(ctx), insert("q"))
	failsWith(t, coll.Indexes().DropOne(ctx, "none"), 27)
}

func TestSearchIndexes(t *testing.T) {
	_, client := start(t, Options{})
	ctx, coll := t.Context(), filled(t, client, 1)
	view := coll.SearchIndexes()
	name, err := view.CreateOne(ctx, mongo.SearchIndexModel{Definition: m{"mappings": m{"dynamic": true}}, Options: options.SearchIndexes().SetName("s")})
	if must(t, err); name != "s" {
		t.Errorf("the name is %s", name)
	}
	must(t, view.UpdateOne(ctx, "s", m{"mappings": m{"dynamic": false}}))
	cursor, err := view.List(ctx, options.SearchIndexes().SetName("s"))
	must(t, err)
	var got []struct {
		LatestDefinition struct{ Mappings struct{ Dynamic bool } }
		Queryable        bool
	}
	must(t, cursor.All(ctx, &got))
	if len(got) != 1 || got[0].LatestDefinition.Mappings.Dynamic || !got[0].Queryable {
		t.Errorf("the indexes are %+v", got)
	}
	must(t, view.DropOne(ctx, "s"))
	if err := view.UpdateOne(ctx, "s", m{}); err == nil || !strings.Contains(err.Error(), "IndexNotFound") {
		t.Errorf("the error is %v", err) // not a mongo.CommandError, which the driver makes of others
	}
}

func TestAggregate(t *testing.T) {
	_, client := start(t, Options{})
	ctx, coll := t.Context(), filled(t, client, 9)
	stage := func(name string, spec any) bson.D { return bson.D{{Key: name, Value: spec}} }
	run := func(coll *mongo.Collection, stages ...bson.D) []int {
		t.Helper()
		cursor, err := coll.Aggregate(ctx, mongo.Pipeline(stages), options.Aggregate().SetBatchSize(2))
		return ids(t, cursor, err)
	}
	match, sorted := stage("$match", m{"_id": m{"$gte": 4}}), stage("$sort", m{"_id": -1})
	if got := run(coll, match, sorted); !slices.Equal(got, []int{8, 7, 6, 5, 4}) {
		t.Errorf("found %v", got)
	}
	out := client.Database("db").Collection("out")
	must(t, insertID(ctx, out, 100))
	if got := run(coll, match, stage("$out", "out")); len(got) != 0 {
		t.Errorf("$out yields %v", got)
	}
	wantIDs(t, ctx, out, 4, 5, 6, 7, 8)
	run(coll, stage("$match", m{"_id": m{"$lt": 4}}), stage("$addFields", m{"y": 1}), stage("$merge", m{"into": "out"}))
	wantIDs(t, ctx, out, 0, 1, 2, 3, 4, 5, 6, 7, 8)
	if n, err := out.CountDocuments(ctx, m{"y": 1}); n != 4 || err != nil {
		t.Errorf("%d are merged, %v", n, err)
	}
	run(coll, stage("$project", m{"z": "1"}), stage("$merge", m{"into": "out"}))
	if n, err := out.CountDocuments(ctx, m{"y": 1, "z": "1"}); n != 4 || err != nil {
		t.Errorf("%d are merged, %v", n, err)
	}
	lookup := stage("$lookup", m{"from": "out", "localField": "_id", "foreignField": "_id", "as": "o"})
	if got := run(coll, lookup, stage("$match", m{"o.y": 1})); !slices.Equal(got, []int{0, 1, 2, 3}) {
		t.Errorf("joined %v", got)
	}
}

func TestMaxTime(t *testing.T) {
	_, client := start(t, Options{Members: 1})
	coll := filled(t, client, 1)
	ctx, _ := begin(t, client)
	must(t, deleteID(ctx, coll, 0))
	late, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	err := deleteID(late, coll, 0)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the error is %v", err)
	}
	cmd := bson.D{{Key: "delete", Value: "c"}, {Key: "deletes", Value: bson.A{m{"q": m{"_id": 0}, "limit": 1}}}, {Key: "maxTimeMS", Value: 1}}
	failsWith(t, coll.Database().RunCommand(t.Context(), cmd).Err(), 50)
}

func TestServerCommands(t *testing.T) {
	_, client := start(t, Options{})
	filled(t, client, 3)
	for name, want := range map[string]string{
		"buildInfo": "version", "serverStatus": "connections", "connectionStatus": "authInfo",
	} {
		raw, err := client.Database("db").RunCommand(t.Context(), bson.D{{Key: name, Value: 1}}).Raw()
		if err != nil || raw.Lookup(want).Type == 0 {
			t.Errorf("%s: %v, %v", name, raw, err)
		}
	}
	failsWith(t, client.Database("db").RunCommand(t.Context(), bson.D{{Key: "nonsense", Value: 1}}).Err(), 59)
}

func TestTLS(t *testing.T) {
	issuer := httptest.NewUnstartedServer(nil)
	issuer.StartTLS()
	cert, pool := issuer.TLS.Certificates[0], x509.NewCertPool()
	pool.AddCert(issuer.Certificate())
	issuer.Close()
	d, err := Start(Options{TLS: &tls.Config{Certificates: []tls.Certificate{cert}}})
	must(t, err)
	client, err := mongo.Connect(options.Client().ApplyURI(d.URI()).SetTLSConfig(&tls.Config{RootCAs: pool}))
	must(t, err)
	coll := capped(t, client, 1, options.CreateCollection().SetSizeInBytes(1<<20))
	// A wait ends and the connection goes on.
	opts := options.Find().SetCursorType(options.TailableAwait).SetMaxAwaitTime(time.Millisecond)
	cursor, err := coll.Find(t.Context(), m{}, opts)
	must(t, err)
	for range 3 {
		cursor.TryNext(t.Context())
	}
	must(t, cursor.Err(), cursor.Close(t.Context()), client.Disconnect(t.Context()), d.Close())
}
