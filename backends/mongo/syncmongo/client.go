package syncmongo

import (
	"context"

	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/valet-go/valet/adapter"
	asyncmongo "github.com/valet-go/valet/backends/mongo"
)

// Disconnect is [mongo.Client.Disconnect].
func (c *Client) Disconnect(ctx context.Context) error {
	return adapter.WaitErr(func(cb func(error)) { c.x.Disconnect(ctx, cb) })
}

// UseSession is [mongo.Client.UseSession].
func (c *Client) UseSession(ctx context.Context, fn func(context.Context) error) error {
	return adapter.WaitErr(func(cb func(error)) { c.x.UseSession(ctx, c.inSession(fn), cb) })
}

// UseSessionWithOptions is [mongo.Client.UseSessionWithOptions].
func (c *Client) UseSessionWithOptions(ctx context.Context, opts *options.SessionOptionsBuilder, fn func(context.Context) error) error {
	return adapter.WaitErr(func(cb func(error)) { c.x.UseSessionWithOptions(ctx, opts, c.inSession(fn), cb) })
}

// inSession gives fn a context with a session of this package.
func (c *Client) inSession(fn func(context.Context) error) func(context.Context) error {
	return func(ctx context.Context) error {
		sess := asyncmongo.NewSession(c.x.Adapter(), mongo.SessionFromContext(ctx))
		return fn(NewSessionContext(ctx, NewSession(sess)))
	}
}

// Indexes is [mongo.Collection.Indexes].
func (coll *Collection) Indexes() IndexView { return IndexView{coll.x.Indexes()} }

// SearchIndexes is [mongo.Collection.SearchIndexes].
func (coll *Collection) SearchIndexes() SearchIndexView {
	return SearchIndexView{coll.x.SearchIndexes()}
}
