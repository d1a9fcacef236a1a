package mongo

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/valet-go/valet/adapter"
)

// state is what belongs to a client of the driver's, however many wrap it.
type state struct {
	open   atomic.Bool // the deployment has answered
	killer *killer     // nil: its calls cannot be killed
}

// states has them by [*mongo.Client], from Open, or Connect, to Disconnect.
var states sync.Map

func (c *Client) state() *state {
	s, _ := states.LoadOrStore(c.x, &state{})
	return s.(*state)
}

// Adapter returns what starts the client's calls, for bodies that share its
// slots, such as
//
//	adapter.Go(ctx, client.Adapter(), func(ctx context.Context) (User, error) {
//		return repository.User(ctx, id) // with several calls of the driver's
//	}, cb)
func (c *Client) Adapter() *adapter.Adapter { return c.a }

// Connect calls back when the deployment has answered, or at once if it has
// answered a Connect before. Without a deadline in ctx it waits for the client's
// server selection timeout, 30 s by default. Nobody has to call it. A nil cb is
// allowed.
func (c *Client) Connect(ctx context.Context, cb func(error)) *adapter.Call {
	return start(ctx, c.a, func(ctx context.Context) (struct{}, error) {
		s := c.state()
		if s.open.Load() {
			return struct{}{}, nil
		}
		err := c.x.Ping(ctx, nil)
		if err == nil {
			s.open.Store(true)
		}
		return struct{}{}, err
	}, errOnly(cb), adapter.Name("Connect"))
}

// Disconnect refuses further calls, waits for those that run or wait, closes
// the client's connections, and then calls cb, which may be nil. When ctx ends
// first, the calls end with [adapter.ErrClosed]. It does not block.
func (c *Client) Disconnect(ctx context.Context, cb func(error)) {
	c.a.Refuse()
	go func() {
		err := c.a.Close(ctx)
		if s, known := states.LoadAndDelete(c.x); known {
			s.(*state).killer.disconnect(ctx)
		}
		if closeErr := c.x.Disconnect(ctx); err == nil {
			err = closeErr
		}
		if cb != nil {
			adapter.Join(c.a, func(error) { cb(err) }) // of no calls: on the executor
		}
	}()
}

// Indexes is [mongo.Collection.Indexes], which does not block.
func (coll *Collection) Indexes() *IndexView {
	v := coll.x.Indexes()
	return NewIndexView(coll.a, &v)
}

// SearchIndexes is [mongo.Collection.SearchIndexes], which does not block.
func (coll *Collection) SearchIndexes() *SearchIndexView {
	v := coll.x.SearchIndexes()
	return NewSearchIndexView(coll.a, &v)
}
