package mongo

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/event"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/valet-go/valet/adapter"
)

// killer makes servers stop what a call with the policy Kill has asked them: it
// looks for the operation by the connection that it was sent over, on the same
// server, and kills that. It has a client of its own for each server, from the
// first kill on.
type killer struct {
	opts *options.ClientOptions

	ops sync.Map // of *op, by the number of the driver's request

	mu      sync.Mutex // guards the rest
	clients map[string]*mongo.Client
	over    bool
}

// op is a command that a server was sent.
type op struct {
	address string
	conn    int64 // the server's number of the connection
	release func()

	mu   sync.Mutex
	over bool // the server has answered, or never will
}

// monitor returns one that learns what the servers are asked, and tells next,
// which may be nil.
func (k *killer) monitor(next *event.CommandMonitor) *event.CommandMonitor {
	if next == nil {
		next = &event.CommandMonitor{}
	}
	return &event.CommandMonitor{
		Started: func(ctx context.Context, e *event.CommandStartedEvent) {
			k.begin(ctx, e)
			if next.Started != nil {
				next.Started(ctx, e)
			}
		},
		Succeeded: func(ctx context.Context, e *event.CommandSucceededEvent) {
			k.end(e.RequestID)
			if next.Succeeded != nil {
				next.Succeeded(ctx, e)
			}
		},
		Failed: func(ctx context.Context, e *event.CommandFailedEvent) {
			k.end(e.RequestID)
			if next.Failed != nil {
				next.Failed(ctx, e)
			}
		},
	}
}

// begin must be called before the server is asked.
func (k *killer) begin(ctx context.Context, e *event.CommandStartedEvent) {
	if policy, _ := adapter.PolicyOf(ctx); policy != adapter.Kill || e.ServerConnectionID == nil || releases[e.CommandName] {
		return
	}
	o := &op{address: addressOf(e.ConnectionID), conn: *e.ServerConnectionID}
	o.release = adapter.Killable(ctx, func(ctx context.Context) error { return k.kill(ctx, o) })
	k.ops.Store(e.RequestID, o)
}

// addressOf returns the address in the driver's name of a connection, such as
// 127.0.0.1:27017[-8].
func addressOf(connection string) string {
	address, _, _ := strings.Cut(connection, "[-")
	return address
}

// releases are the commands that end what the server holds. Nobody is better off
// if they are killed: a transaction, for one, would go on to hold its locks.
var releases = map[string]bool{"commitTransaction": true, "abortTransaction": true, "killCursors": true, "endSessions": true}

// end must be called when the server has answered, before the connection is used
// for something else. It waits for a kill that is on its way.
func (k *killer) end(request int64) {
	v, known := k.ops.LoadAndDelete(request)
	if !known {
		return
	}
	o := v.(*op)
	o.mu.Lock()
	o.over = true
	o.mu.Unlock()
	o.release()
}

func (o *op) isOver() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.over
}

// kill is what Killable gets. While o is not over its connection is used for
// nothing else: so what the server said to be going on there before is o.
func (k *killer) kill(ctx context.Context, o *op) error {
	client, err := k.client(o.address)
	if err != nil {
		return err
	}
	admin := client.Database("admin")
	for !o.isOver() {
		ops, err := operations(ctx, admin, o.conn)
		if err != nil || o.isOver() {
			return err
		}
		if len(ops) == 0 { // it has not arrived, or its answer is on the way
			if err := pause(ctx); err != nil {
				return err
			}
			continue
		}
		for _, id := range ops {
			if err := admin.RunCommand(ctx, bson.D{{Key: "killOp", Value: 1}, {Key: "op", Value: id}}).Err(); err != nil {
				return err
			}
		}
		return nil
	}
	return nil
}

// lookAgain is how long it takes until the server is asked again what it does.
const lookAgain = 2 * time.Millisecond

func pause(ctx context.Context) error {
	timer := time.NewTimer(lookAgain)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// operations returns the numbers of those that run for a connection.
func operations(ctx context.Context, admin *mongo.Database, conn int64) ([]any, error) {
	cur, err := admin.Aggregate(ctx, mongo.Pipeline{
		// A mongos would tell of its shards' operations too, which have the
		// shards' numbers of connections.
		{{Key: "$currentOp", Value: bson.D{{Key: "localOps", Value: true}}}},
		{{Key: "$match", Value: bson.D{{Key: "connectionId", Value: conn}, {Key: "active", Value: true}}}},
		{{Key: "$project", Value: bson.D{{Key: "opid", Value: 1}}}},
	})
	if err != nil {
		return nil, err
	}
	var found []struct{ Opid any }
	if err := cur.All(ctx, &found); err != nil {
		return nil, err
	}
	ids := make([]any, len(found))
	for i := range found {
		ids[i] = found[i].Opid
	}
	return ids, nil
}

// client returns the one for a server.
func (k *killer) client(address string) (*mongo.Client, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.over {
		return nil, errDisconnected
	}
	if c := k.clients[address]; c != nil {
		return c, nil
	}
	c, err := mongo.Connect(k.options(address))
	if err != nil {
		return nil, fmt.Errorf("valet/mongo: a client to kill with: %w", err)
	}
	if k.clients == nil {
		k.clients = map[string]*mongo.Client{}
	}
	k.clients[address] = c
	return c, nil
}

// options are those of the client for a server: of the user's, how to get there.
func (k *killer) options(address string) *options.ClientOptions {
	opts := *k.opts
	opts.SetHosts([]string{address}).SetDirect(true).SetMinPoolSize(0).SetMaxPoolSize(killConns)
	opts.SetMonitor(nil).SetPoolMonitor(nil).SetServerMonitor(nil)
	opts.SetServerMonitoringMode(options.ServerMonitoringModePoll)
	opts.SRVServiceName, opts.SRVMaxHosts, opts.ReplicaSet = nil, nil, nil
	// A server refuses $currentOp with most of these, or in a strict API.
	opts.ReadConcern, opts.ReadPreference, opts.WriteConcern = nil, nil, nil
	opts.BSONOptions, opts.Registry, opts.AutoEncryptionOptions = nil, nil, nil
	if opts.ServerAPIOptions != nil {
		api := *opts.ServerAPIOptions
		api.Strict = nil
		opts.ServerAPIOptions = &api
	}
	return &opts
}

// killConns is how many operations of a server can be killed at once.
const killConns = 4

var errDisconnected = errors.New("valet/mongo: the client is disconnected")

// disconnect ends k, which may be nil.
func (k *killer) disconnect(ctx context.Context) {
	if k == nil {
		return
	}
	k.mu.Lock()
	k.over = true
	clients := k.clients
	k.clients = nil
	k.mu.Unlock()
	for _, c := range clients {
		_ = c.Disconnect(ctx) // nothing depends on it any more
	}
}
