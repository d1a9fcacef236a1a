package mongo_test

import (
	"context"
	"errors"
	"testing"
	"time"

	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/valet-go/valet/adapter"
	"github.com/valet-go/valet/backends/mongo"
)

// Run with the race detector: a lane is of one backend.
func TestCallsOfAnotherClientStayInTheSessionsBackend(t *testing.T) {
	a := newAdapter(t)
	var clients [2]*mongo.Client
	for i := range clients {
		opts := options.Client().ApplyURI("mongodb://127.0.0.1:1/").SetServerSelectionTimeout(50 * time.Millisecond)
		c, err := mongo.Open(a, opts)
		if err != nil {
			t.Fatal(err)
		}
		clients[i] = c
	}
	sess, err := clients[0].StartSession()
	if err != nil {
		t.Fatal(err)
	}
	ctx := mongo.NewSessionContext(context.Background(), sess)
	const n = 50
	done := make(chan error, 2*n)
	for range n {
		clients[1].Ping(ctx, nil, func(err error) { done <- err })
		sess.AdvanceClusterTime(nil, func(error) { done <- driver.ErrWrongClient })
	}
	for range 2 * n {
		if err := <-done; !errors.Is(err, driver.ErrWrongClient) {
			t.Fatalf("the driver does not refuse another client's session: %v", err)
		}
	}
	if err := adapter.WaitErr(func(cb func(error)) { sess.EndSession(context.Background(), cb) }); err != nil {
		t.Error(err)
	}
	for _, c := range clients {
		if err := adapter.WaitErr(func(cb func(error)) { c.Disconnect(context.Background(), cb) }); err != nil {
			t.Error(err)
		}
	}
}
