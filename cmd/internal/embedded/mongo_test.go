package embedded_test

import (
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/valet-go/valet/cmd/internal/embedded"
)

func TestMongoServesTheRawDriver(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	srv, err := embedded.StartMongo(ctx, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer srv.Close()

	client, err := mongo.Connect(options.Client().ApplyURI(srv.URI()))
	if err != nil {
		t.Fatal(err)
	}
	people := client.Database("valet").Collection("people")
	if _, err := people.InsertOne(ctx, bson.M{"_id": 1, "name": "Ada"}); err != nil {
		t.Fatal(err)
	}
	if _, err := people.UpdateOne(ctx, bson.M{"_id": 1}, bson.M{"$set": bson.M{"name": "Grace"}}); err != nil {
		t.Fatal(err)
	}
	var found struct{ Name string }
	if err := people.FindOne(ctx, bson.M{"_id": 1}).Decode(&found); err != nil || found.Name != "Grace" {
		t.Fatalf("found %+v, %v; want Grace", found, err)
	}
	if res, err := people.DeleteOne(ctx, bson.M{"_id": 1}); err != nil || res.DeletedCount != 1 {
		t.Fatalf("deleted %+v, %v; want one", res, err)
	}
	if err := client.Disconnect(ctx); err != nil {
		t.Fatal(err)
	}

	if err := srv.Close(); err != nil {
		t.Fatal(err)
	}
	if err := srv.Close(); err != nil {
		t.Fatalf("second Close: %v", err)
	}
	addr := strings.Trim(strings.TrimPrefix(srv.URI(), "mongodb://"), "/")
	requireClosed(t, addr)
}

func TestMongoEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	srv, err := embedded.StartMongo(ctx, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := srv.Close(); err != nil {
		t.Fatal(err)
	}
}

// requireClosed fails the test if anything listens on addr.
func requireClosed(t *testing.T, addr string) {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err == nil {
		c.Close()
		t.Fatalf("%s still accepts connections", addr)
	}
}
