package mongowire

import (
	"errors"
	"reflect"
	"slices"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"
)

type m = bson.M

// filled is a collection of n documents {_id: i, x: i % 3}.
func filled(t testing.TB, client *mongo.Client, n int) *mongo.Collection {
	t.Helper()
	coll := client.Database("db").Collection("c")
	docs := make([]any, n)
	for i := range docs {
		docs[i] = bson.D{{Key: "_id", Value: i}, {Key: "x", Value: i % 3}}
	}
	if _, err := coll.InsertMany(t.Context(), docs); err != nil {
		t.Fatal(err)
	}
	return coll
}

// ids are the _ids of what is left in a cursor.
func ids(t testing.TB, cursor *mongo.Cursor, err error) []int {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	var docs []struct {
		ID int `bson:"_id"`
	}
	if err := cursor.All(t.Context(), &docs); err != nil {
		t.Fatal(err)
	}
	found := []int{}
	for _, d := range docs {
		found = append(found, d.ID)
	}
	return found
}

func TestFind(t *testing.T) {
	_, client := start(t, Options{})
	coll := filled(t, client, 10)
	for name, c := range map[string]struct {
		filter any
		opts   *options.FindOptionsBuilder
		want   []int
	}{
		"all":              {m{}, options.Find(), []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}},
		"small batches":    {m{}, options.Find().SetBatchSize(3), []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}},
		"by _id":           {m{"_id": 4}, options.Find(), []int{4}},
		"by another type":  {m{"_id": 4.0}, options.Find(), []int{4}},
		"by _id and more":  {bson.D{{Key: "_id", Value: 4}, {Key: "x", Value: 0}}, options.Find(), []int{}},
		"no such _id":      {m{"_id": 40}, options.Find(), []int{}},
		"operator on _id":  {m{"_id": m{"$gte": 8}}, options.Find(), []int{8, 9}},
		"filter":           {m{"x": 1}, options.Find(), []int{1, 4, 7}},
		"filter in parts":  {m{"x": 1}, options.Find().SetBatchSize(2), []int{1, 4, 7}},
		"limit":            {m{}, options.Find().SetLimit(2), []int{0, 1}},
		"limit and parts":  {m{}, options.Find().SetLimit(5).SetBatchSize(2), []int{0, 1, 2, 3, 4}},
		"negative limit":   {m{}, options.Find().SetLimit(-2), []int{0, 1}},
		"skip":             {m{}, options.Find().SetSkip(8), []int{8, 9}},
		"skip all":         {m{}, options.Find().SetSkip(80), []int{}},
		"sort":             {m{}, options.Find().SetSort(bson.D{{Key: "x", Value: -1}, {Key: "_id", Value: -1}}).SetLimit(4), []int{8, 5, 2, 7}},
		"sort, skip, some": {m{}, options.Find().SetSort(m{"_id": -1}).SetSkip(1).SetLimit(3).SetBatchSize(2), []int{8, 7, 6}},
	} {
		t.Run(name, func(t *testing.T) {
			cursor, err := coll.Find(t.Context(), c.filter, c.opts)
			if got := ids(t, cursor, err); !slices.Equal(got, c.want) {
				t.Errorf("found %v, not %v", got, c.want)
			}
		})
	}
	t.Run("projection", func(t *testing.T) {
		var got bson.D
		opts := options.FindOne().SetProjection(m{"_id": 0})
		if err := coll.FindOne(t.Context(), m{"_id": 5}, opts).Decode(&got); err != nil {
			t.Fatal(err)
		}
		if want := (bson.D{{Key: "x", Value: int32(2)}}); !reflect.DeepEqual(got, want) {
			t.Errorf("found %v, not %v", got, want)
		}
	})
	t.Run("count", func(t *testing.T) {
		if n, err := coll.CountDocuments(t.Context(), m{"x": 0}); n != 4 || err != nil {
			t.Errorf("counted %d, %v", n, err)
		}
		if n, err := coll.EstimatedDocumentCount(t.Context()); n != 10 || err != nil {
			t.Errorf("estimated %d, %v", n, err)
		}
	})
	t.Run("distinct", func(t *testing.T) {
		var got []int
		values := coll.Distinct(t.Context(), "x", m{"_id": m{"$lt": 5}})
		if err := errors.Join(values.Err(), values.Decode(&got)); err != nil { // Decode does not tell of Err
			t.Fatal(err)
		}
		if slices.Sort(got); !slices.Equal(got, []int{0, 1, 2}) {
			t.Errorf("found %v", got)
		}
	})
	t.Run("nowhere", func(t *testing.T) {
		cursor, err := client.Database("db").Collection("nowhere").Find(t.Context(), m{})
		if got := ids(t, cursor, err); len(got) != 0 {
			t.Errorf("found %v", got)
		}
	})
}

func TestInsertErrors(t *testing.T) {
	_, client := start(t, Options{})
	coll := filled(t, client, 3)
	for name, c := range map[string]struct {
		ordered bool
		failed  []int // indexes
		n       int64 // documents in the end
	}{
		"ordered":   {true, []int{1}, 4},
		"unordered": {false, []int{1, 2}, 5},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := coll.DeleteMany(t.Context(), m{"_id": m{"$gt": 2}}); err != nil {
				t.Fatal(err)
			}
			docs := []any{m{"_id": 3}, m{"_id": 1}, m{"_id": 2}, m{"_id": 4}}
			_, err := coll.InsertMany(t.Context(), docs, options.InsertMany().SetOrdered(c.ordered))
			var e mongo.BulkWriteException
			if !errors.As(err, &e) || !mongo.IsDuplicateKeyError(err) {
				t.Fatalf("the error is %v", err)
			}
			var failed []int
			for _, w := range e.WriteErrors {
				failed = append(failed, w.Index)
				if w.Raw.Lookup("keyPattern", "_id").Type == 0 || w.Raw.Lookup("keyValue", "_id").AsInt64() != int64(w.Index) {
					t.Errorf("the write error is %v", w.Raw)
				}
			}
			if !slices.Equal(failed, c.failed) {
				t.Errorf("%v failed, not %v", failed, c.failed)
			}
			if n, err := coll.EstimatedDocumentCount(t.Context()); n != c.n || err != nil {
				t.Errorf("there are %d documents, %v", n, err)
			}
		})
	}
}

func TestUpdateAndDelete(t *testing.T) {
	_, client := start(t, Options{})
	coll := filled(t, client, 6)
	ctx := t.Context()
	inc := m{"$inc": m{"n": 1}}
	check := func(what string, r *mongo.UpdateResult, err error, matched, modified, upserted int64) {
		t.Helper()
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if r.MatchedCount != matched || r.ModifiedCount != modified || r.UpsertedCount != upserted {
			t.Errorf("%s: %+v", what, r)
		}
	}
	r, err := coll.UpdateOne(ctx, m{"x": 1}, inc)
	check("one", r, err, 1, 1, 0)
	r, err = coll.UpdateMany(ctx, m{"x": 1}, inc)
	check("many", r, err, 2, 2, 0)
	r, err = coll.UpdateMany(ctx, m{"x": 1}, m{"$set": m{"x": 1}})
	check("to the same", r, err, 2, 0, 0)
	r, err = coll.UpdateOne(ctx, m{"_id": 100}, m{"$set": m{"x": 9}}, options.UpdateOne().SetUpsert(true))
	check("upsert", r, err, 0, 0, 1)
	if r.UpsertedID != int32(100) {
		t.Errorf("upserted %v", r.UpsertedID)
	}
	r, err = coll.ReplaceOne(ctx, m{"_id": 100}, m{"y": 1})
	check("replace", r, err, 1, 1, 0)
	var got bson.D
	if err := coll.FindOne(ctx, m{"_id": 100}).Decode(&got); err != nil || !reflect.DeepEqual(got, bson.D{{Key: "_id", Value: int32(100)}, {Key: "y", Value: int32(1)}}) {
		t.Errorf("replaced by %v, %v", got, err)
	}
	if _, err := coll.InsertOne(ctx, m{"_id": "a", "l": bson.A{1, 5, 9}}); err != nil {
		t.Fatal(err)
	}
	r, err = coll.UpdateOne(ctx, m{"_id": "a"}, m{"$set": m{"l.$[big]": 0}}, options.UpdateOne().SetArrayFilters([]any{m{"big": m{"$gt": 4}}}))
	check("array filters", r, err, 1, 1, 0)
	if err := coll.FindOne(ctx, m{"l": []int{1, 0, 0}}).Err(); err != nil {
		t.Error(err)
	}
	if r, err := coll.DeleteOne(ctx, m{"x": 0}); err != nil || r.DeletedCount != 1 {
		t.Errorf("delete one: %v, %v", r, err)
	}
	if r, err := coll.DeleteMany(ctx, m{}); err != nil || r.DeletedCount != 7 {
		t.Errorf("delete all: %v, %v", r, err)
	}
}

func TestFindAndModify(t *testing.T) {
	_, client := start(t, Options{})
	coll := filled(t, client, 4)
	ctx := t.Context()
	var got struct{ ID, N int }
	after := options.FindOneAndUpdate().SetReturnDocument(options.After).SetSort(m{"_id": -1})
	if err := coll.FindOneAndUpdate(ctx, m{}, m{"$inc": m{"n": 1}}, after).Decode(&got); err != nil || got.N != 1 {
		t.Errorf("update: %+v, %v", got, err)
	}
	if err := coll.FindOne(ctx, m{"_id": 3, "n": 1}).Err(); err != nil {
		t.Errorf("it was not the last one: %v", err)
	}
	if err := coll.FindOneAndReplace(ctx, m{"_id": 50}, m{"n": 5}, options.FindOneAndReplace().SetUpsert(true)).Err(); err != mongo.ErrNoDocuments {
		t.Errorf("replace and upsert: %v", err)
	}
	if err := coll.FindOneAndDelete(ctx, m{"_id": 50}).Decode(&got); err != nil || got.N != 5 {
		t.Errorf("delete: %+v, %v", got, err)
	}
	if err := coll.FindOneAndDelete(ctx, m{"_id": 50}).Err(); err != mongo.ErrNoDocuments {
		t.Errorf("delete again: %v", err)
	}
}

func TestUnacknowledged(t *testing.T) {
	_, client := start(t, Options{})
	fast := client.Database("db").Collection("c", options.Collection().SetWriteConcern(writeconcern.Unacknowledged()))
	for i := range 10 { // the same connection, so that later messages would meet a reply
		if _, err := fast.InsertOne(t.Context(), m{"_id": i}); err != nil {
			t.Fatal(err)
		}
	}
	coll := client.Database("db").Collection("c")
	if _, err := coll.UpdateOne(t.Context(), m{"_id": 9}, m{"$set": m{"x": 1}}); err != nil {
		t.Fatal(err)
	}
	if n, err := coll.CountDocuments(t.Context(), m{}); n != 10 || err != nil {
		t.Errorf("there are %d, %v", n, err)
	}
}

func TestClientBulkWrite(t *testing.T) {
	_, client := start(t, Options{})
	writes := []mongo.ClientBulkWrite{
		{Database: "db", Collection: "a", Model: mongo.NewClientInsertOneModel().SetDocument(m{"_id": 1})},
		{Database: "db", Collection: "b", Model: mongo.NewClientUpdateOneModel().SetFilter(m{"_id": 2}).SetUpdate(m{"$set": m{"x": 1}}).SetUpsert(true)},
		{Database: "db", Collection: "b", Model: mongo.NewClientReplaceOneModel().SetFilter(m{"_id": 2}).SetReplacement(m{"x": 2})},
		{Database: "db", Collection: "a", Model: mongo.NewClientDeleteManyModel().SetFilter(m{})},
	}
	r, err := client.BulkWrite(t.Context(), writes, options.ClientBulkWrite().SetVerboseResults(true))
	if err != nil {
		t.Fatal(err)
	}
	if r.InsertedCount != 1 || r.UpsertedCount != 1 || r.MatchedCount != 1 || r.ModifiedCount != 1 || r.DeletedCount != 1 {
		t.Errorf("the counts are %+v", r)
	}
	if r.UpdateResults[1].UpsertedID != int32(2) || r.DeleteResults[3].DeletedCount != 1 || r.UpdateResults[2].ModifiedCount != 1 {
		t.Errorf("the results are %+v", r)
	}
	writes = append(writes[:1], writes[0], mongo.ClientBulkWrite{Database: "db", Collection: "a", Model: mongo.NewClientInsertOneModel().SetDocument(m{"_id": 3})})
	_, err = client.BulkWrite(t.Context(), writes, options.ClientBulkWrite().SetOrdered(false))
	var e mongo.ClientBulkWriteException
	if !errors.As(err, &e) || len(e.WriteErrors) != 1 || e.WriteErrors[1].Code != 11000 || e.PartialResult == nil || e.PartialResult.InsertedCount != 2 {
		t.Errorf("the error is %#v", err)
	}
}

func BenchmarkFindByID(b *testing.B) {
	_, client := start(b, Options{})
	coll := filled(b, client, 10000)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if err := coll.FindOne(b.Context(), bson.D{{Key: "_id", Value: i % 10000}}).Err(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkScan(b *testing.B) {
	_, client := start(b, Options{})
	coll := filled(b, client, 100000)
	for b.Loop() {
		cursor, err := coll.Find(b.Context(), bson.D{})
		if err != nil {
			b.Fatal(err)
		}
		for cursor.Next(b.Context()) {
		}
		if cursor.Err() != nil {
			b.Fatal(cursor.Err())
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/100000, "ns/doc")
}
