package mongowire

import (
	"context"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// heartbeat is the clients' interval, the shortest that there may be: a
// Disconnect between two heartbeats waits for the end of the second one.
const heartbeat = 500 * time.Millisecond

// start starts a deployment and a client of it, which the test's end closes.
func start(t testing.TB, o Options) (*Deployment, *mongo.Client) {
	t.Helper()
	d, err := Start(o)
	if err != nil {
		t.Fatal(err)
	}
	client, err := mongo.Connect(options.Client().ApplyURI(d.URI()).SetHeartbeatInterval(heartbeat))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := client.Disconnect(context.Background()); err != nil {
			t.Error(err)
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d, client
}

func TestInsertAndFindByID(t *testing.T) {
	_, client := start(t, Options{})
	coll := client.Database("db").Collection("c")
	if _, err := coll.InsertOne(t.Context(), bson.D{{Key: "_id", Value: 1}, {Key: "x", Value: "y"}}); err != nil {
		t.Fatal(err)
	}
	var got struct{ X string }
	if err := coll.FindOne(t.Context(), bson.D{{Key: "_id", Value: 1.0}}).Decode(&got); err != nil {
		t.Fatal(err)
	}
	if got.X != "y" {
		t.Fatalf("found %+v", got)
	}
}
