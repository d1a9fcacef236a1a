package mongo

import (
	"context"
	"fmt"
	"net"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/event"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/valet-go/valet/adapter"
	asyncmongo "github.com/valet-go/valet/backends/mongo"
	"github.com/valet-go/valet/backends/mongo/syncmongo"
	"github.com/valet-go/valet/cmd/parity/internal/methods"
	"github.com/valet-go/valet/fakesock"
	"github.com/valet-go/valet/loop"
)

// appName is that of the clients whose commands a fail point hits.
const appName = "parity"

// side is one of the two ways to the driver.
type side struct {
	name   string
	client any                // a *mongo.Client or a *syncmongo.Client
	db     any                // the scenario's
	async  *asyncmongo.Client // what the latter waits for, or nil
	seen   *methods.Seen      // nil for the raw one
	sent   *commands          // by client
	asked  *asked             // by client
	open   func(*options.ClientOptions) any
	// watch sets monitors; what they were told is complete once a client of the
	// options is disconnected.
	watch func(*options.ClientOptions, *event.CommandMonitor, *event.PoolMonitor, *event.ServerMonitor)
	// in returns a context that has a session of this side.
	in func(ctx context.Context, sess any) context.Context
	// from returns the session of a context, or nil.
	from func(ctx context.Context) any
}

// settings are the client's, with a monitor that records what is sent.
func settings(srv *server, s scenario, sent *commands) *options.ClientOptions {
	opts := options.Client().ApplyURI(srv.uri).SetAppName(appName).SetServerSelectionTimeout(5 * time.Second)
	// A client that streams, and is disconnected soon after its first call, may
	// wait for a heartbeat of 10 s: in the driver, StopListening gets lost if
	// nobody listens yet.
	opts.SetServerMonitoringMode(options.ServerMonitoringModePoll)
	opts.SetMonitor(&event.CommandMonitor{
		Started: func(_ context.Context, e *event.CommandStartedEvent) { sent.add(e.CommandName) },
		Succeeded: func(_ context.Context, e *event.CommandSucceededEvent) {
			sent.add(e.CommandName + " succeeded")
		},
		Failed: func(_ context.Context, e *event.CommandFailedEvent) { sent.add(e.CommandName + " failed") },
	})
	if s.client != nil {
		s.client(opts)
	}
	return opts
}

// newRaw opens the driver itself.
func newRaw(t *testing.T, srv *server, s scenario) *side {
	t.Helper()
	sent := newCommands()
	open := func(opts *options.ClientOptions) *mongo.Client {
		client, err := mongo.Connect(opts)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { disconnect(t, client.Disconnect) })
		return client
	}
	asked := newAsked()
	client := open(settings(srv, s, sent).SetDialer(asked.dialer(&net.Dialer{})))
	return &side{
		name: "the driver", client: client, db: client.Database(s.database()), sent: sent, asked: asked,
		open: func(opts *options.ClientOptions) any { return open(opts) },
		watch: func(opts *options.ClientOptions, c *event.CommandMonitor, p *event.PoolMonitor, s *event.ServerMonitor) {
			opts.SetMonitor(c).SetPoolMonitor(p).SetServerMonitor(s)
		},
		in: func(ctx context.Context, sess any) context.Context {
			return mongo.NewSessionContext(ctx, sess.(*mongo.Session))
		},
		from: func(ctx context.Context) any {
			if sess := mongo.SessionFromContext(ctx); sess != nil {
				return sess
			}
			return nil
		},
	}
}

// newCallbacks opens backends/mongo on a loop.
func newCallbacks(t *testing.T, srv *server, s scenario, seen *methods.Seen) *side {
	t.Helper()
	l, err := loop.Start(bg)
	if err != nil {
		t.Fatal(err)
	}
	a := adapter.New(l)
	hook := adapter.WithHook(adapter.Hook{Start: func(ctx context.Context, call adapter.CallStart) context.Context {
		seen.Hear(call.Name)
		return ctx
	}})
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(bg, patience)
		defer cancel()
		if err := a.Close(ctx); err != nil {
			t.Error(err)
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	sent := newCommands()
	open := func(opts *options.ClientOptions) *asyncmongo.Client {
		client, err := asyncmongo.Open(a, opts, asyncmongo.WithCalls(hook))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			disconnect(t, func(ctx context.Context) error {
				return adapter.WaitErr(func(cb func(error)) { client.Disconnect(ctx, cb) })
			})
		})
		return client
	}
	asked := newAsked()
	async := open(settings(srv, s, sent).SetDialer(asked.dialer(asyncmongo.ReadAhead(&fakesock.Dialer{Loop: l}))))
	client := syncmongo.NewClient(async)
	return &side{
		name: "callbacks", client: client, db: client.Database(s.database()), async: async, seen: seen, sent: sent, asked: asked,
		open: func(opts *options.ClientOptions) any { return syncmongo.NewClient(open(opts)) },
		watch: func(opts *options.ClientOptions, c *event.CommandMonitor, p *event.PoolMonitor, s *event.ServerMonitor) {
			opts.SetMonitor(asyncmongo.CommandMonitorOn(l, c)).SetPoolMonitor(asyncmongo.PoolMonitorOn(l, p)).
				SetServerMonitor(asyncmongo.ServerMonitorOn(l, s))
		},
		in: func(ctx context.Context, sess any) context.Context {
			return syncmongo.NewSessionContext(ctx, sess.(*syncmongo.Session))
		},
		from: func(ctx context.Context) any {
			if sess := syncmongo.SessionFromContext(ctx); sess != nil {
				return sess
			}
			return nil
		},
	}
}

// disconnect ends a client, unless the scenario did.
func disconnect(t *testing.T, end func(context.Context) error) {
	ctx, cancel := context.WithTimeout(bg, patience)
	defer cancel()
	if err := end(ctx); err != nil && err != mongo.ErrClientDisconnected {
		t.Error(fmt.Errorf("disconnect: %w", err))
	}
}

// patience is how long a test waits for what must happen.
const patience = 20 * time.Second

// eventually polls until cond holds.
func eventually(t testing.TB, what string, cond func() bool) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); !cond(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("never happened: %s", what)
		}
	}
}
