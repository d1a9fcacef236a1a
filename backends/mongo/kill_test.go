package mongo

import (
	"reflect"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/event"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readconcern"
	"go.mongodb.org/mongo-driver/v2/mongo/readpref"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"
)

// A server refuses $currentOp and killOp with what a user may rightly ask for
// where it counts, so the killer's client must know nothing of it.
func TestKillerTakesOnlyTheWayToTheServer(t *testing.T) {
	user := options.Client().ApplyURI("mongodb://ada:secret@one,two,three/?replicaSet=rs0").
		SetAppName("app").SetConnectTimeout(3 * time.Second).
		SetReadConcern(readconcern.Majority()).SetReadPreference(readpref.Secondary()).SetWriteConcern(writeconcern.Majority()).
		SetBSONOptions(&options.BSONOptions{UseJSONStructTags: true}).SetRegistry(bson.NewRegistry()).
		SetServerAPIOptions(options.ServerAPI(options.ServerAPIVersion1).SetStrict(true)).
		SetMonitor(&event.CommandMonitor{}).SetPoolMonitor(&event.PoolMonitor{}).SetServerMonitor(&event.ServerMonitor{}).
		SetMinPoolSize(50)
	before := *user
	got := (&killer{opts: user}).options("two:27017")
	if err := got.Validate(); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got.Hosts, []string{"two:27017"}) || !*got.Direct || got.ReplicaSet != nil {
		t.Errorf("it goes to %v, directly: %v, of the set %v", got.Hosts, *got.Direct, got.ReplicaSet)
	}
	if got.Auth == nil || got.Auth.Username != "ada" || *got.AppName != "app" || *got.ConnectTimeout != 3*time.Second {
		t.Error("it has not kept how to get there")
	}
	if got.ReadConcern != nil || got.ReadPreference != nil || got.WriteConcern != nil || got.Registry != nil || got.BSONOptions != nil {
		t.Error("it reads or writes as the user does")
	}
	if api := got.ServerAPIOptions; api == nil || api.Strict != nil || api.ServerAPIVersion != options.ServerAPIVersion1 {
		t.Errorf("its API is %+v, want version 1, not strict", api)
	}
	if got.Monitor != nil || got.PoolMonitor != nil || got.ServerMonitor != nil {
		t.Error("the user's monitors are told of it")
	}
	if !reflect.DeepEqual(*user, before) || !*user.ServerAPIOptions.Strict {
		t.Error("the user's options have been changed")
	}
}
