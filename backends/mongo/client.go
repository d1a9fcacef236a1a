package mongo

import (
	"context"
	"fmt"

	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/valet-go/valet/adapter"
	"github.com/valet-go/valet/fakesock"
	"github.com/valet-go/valet/loop"
)

// The driver's types that programs name, under the driver's names.
type (
	InsertOneResult  = mongo.InsertOneResult
	InsertManyResult = mongo.InsertManyResult
	UpdateResult     = mongo.UpdateResult
	DeleteResult     = mongo.DeleteResult
	SingleResult     = mongo.SingleResult
	CommandError     = mongo.CommandError
	WriteException   = mongo.WriteException
)

// ErrNoDocuments is what FindOne reports when nothing matches.
var ErrNoDocuments = mongo.ErrNoDocuments

// defaultMaxPool is the driver's own default of MaxPoolSize.
const defaultMaxPool = 100

// Option configures Open.
type Option func(*settings)

type settings struct {
	queue int
	calls []adapter.Option
}

// WithQueue sets how many calls may wait for a slot, beyond which they fail
// with [adapter.ErrOverloaded]: 0 or more; by default [adapter.DefaultQueue].
// There are as many slots as the client's MaxPoolSize, which is 100 by
// default; if it is set to 0, which the driver takes for unlimited, 100 again.
func WithQueue(n int) Option { return func(s *settings) { s.queue = n } }

// WithCalls sets how the client's calls behave: by [adapter.WithCancel],
// [adapter.WithTimeout], [adapter.WithHook] and the like. What is not set is
// inherited from the adapter given to Open.
func WithCalls(opts ...adapter.Option) Option {
	return func(s *settings) { s.calls = append(s.calls, opts...) }
}

// Client is a connected, or connecting, client of a deployment. It is a small
// view; [Client.On] returns another.
type Client struct {
	a *adapter.Adapter
	c *mongo.Client
}

// Open returns a client for the driver's own options, which are copied. Like
// the driver's Connect it does not wait for the deployment, but starts to look
// for it in the background; [Client.Connect] waits. A dialer set in the options
// is left alone.
func Open(a *adapter.Adapter, opts *options.ClientOptions, more ...Option) (*Client, error) {
	set := settings{queue: adapter.DefaultQueue}
	for _, o := range more {
		o(&set)
	}
	if set.queue < 0 {
		return nil, fmt.Errorf("valet/mongo: WithQueue(%d): the bound cannot be negative", set.queue)
	}
	own := options.Client()
	if opts != nil {
		*own = *opts
	}
	if own.Dialer == nil {
		own.SetDialer(&fakesock.Dialer{Loop: a.Loop()})
	}
	slots := defaultMaxPool
	if own.MaxPoolSize != nil && *own.MaxPoolSize > 0 {
		slots = int(*own.MaxPoolSize)
	}
	c, err := mongo.Connect(own)
	if err != nil {
		return nil, fmt.Errorf("valet/mongo: %w", err)
	}
	calls := append(set.calls, adapter.WithSlots(slots), adapter.WithQueue(set.queue))
	return &Client{a.Backend("mongo", calls...), c}, nil
}

// On returns a view of the same client whose callbacks run on exec, such as a
// front end's connection.
func (c *Client) On(exec loop.Executor) *Client { return &Client{c.a.On(exec), c.c} }

// Unwrap returns the driver's client.
func (c *Client) Unwrap() *mongo.Client { return c.c }

// Connect calls back when the deployment has answered, at once if it had
// before; [mongo.Client.Ping]. Without a deadline in ctx it waits for the
// client's server selection timeout, 30 s by default.
func (c *Client) Connect(ctx context.Context, cb func(error)) *adapter.Call {
	return act(ctx, c.a, func(ctx context.Context) error { return c.c.Ping(ctx, nil) }, cb)
}

// Disconnect refuses further calls, waits for those that run or wait, closes
// the client's connections, and then calls cb, which may be nil. When ctx ends
// first, the calls end with [adapter.ErrClosed]. It does not block.
func (c *Client) Disconnect(ctx context.Context, cb func(error)) {
	c.a.Refuse()
	go func() {
		err := c.a.Close(ctx)
		if closeErr := c.c.Disconnect(ctx); err == nil {
			err = closeErr
		}
		if cb != nil {
			adapter.Join(c.a, func(error) { cb(err) }) // of no calls: on the executor
		}
	}()
}

// Database returns a handle for the database. It does not block.
func (c *Client) Database(name string, opts ...options.Lister[options.DatabaseOptions]) *Database {
	return &Database{c.a, c.c.Database(name, opts...)}
}

// act starts a call that has no result but an error. A nil cb is allowed.
func act(ctx context.Context, a *adapter.Adapter, f func(context.Context) error, cb func(error)) *adapter.Call {
	return adapter.Go(ctx, a, func(ctx context.Context) (struct{}, error) {
		return struct{}{}, f(ctx)
	}, func(_ struct{}, err error) {
		if cb != nil {
			cb(err)
		}
	})
}
