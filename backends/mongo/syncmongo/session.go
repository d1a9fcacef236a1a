package syncmongo

import (
	"context"

	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/valet-go/valet/adapter"
	asyncmongo "github.com/valet-go/valet/backends/mongo"
)

// sessionKey is where a context has its session.
type sessionKey struct{}

// NewSessionContext is [mongo.NewSessionContext].
func NewSessionContext(parent context.Context, sess *Session) context.Context {
	return context.WithValue(asyncmongo.NewSessionContext(parent, sess.x), sessionKey{}, sess)
}

// SessionFromContext is [mongo.SessionFromContext].
func SessionFromContext(ctx context.Context) *Session {
	sess, _ := ctx.Value(sessionKey{}).(*Session)
	return sess
}

// WithSession is [mongo.WithSession].
func WithSession(ctx context.Context, sess *Session, fn func(context.Context) error) error {
	return fn(NewSessionContext(ctx, sess))
}

// Client is [mongo.Session.Client].
func (s *Session) Client() *Client { return NewClient(s.x.Client()) }

// EndSession is [mongo.Session.EndSession]. It reports nothing, not even that
// the client is disconnected.
func (s *Session) EndSession(ctx context.Context) {
	_ = adapter.WaitErr(func(cb func(error)) { s.x.EndSession(ctx, cb) })
}

// WithTransaction is [mongo.Session.WithTransaction]. fn runs on another
// goroutine, and its calls, with the context that it gets, through callbacks as
// well.
func (s *Session) WithTransaction(ctx context.Context, fn func(ctx context.Context) (any, error), opts ...options.Lister[options.TransactionOptions]) (any, error) {
	return adapter.Wait(func(cb func(any, error)) {
		s.x.WithTransaction(ctx, func(ctx context.Context) (any, error) {
			return fn(context.WithValue(ctx, sessionKey{}, s))
		}, cb, opts...)
	})
}
