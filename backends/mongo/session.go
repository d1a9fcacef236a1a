package mongo

import (
	"context"
	"errors"
	"sync"
	"time"

	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/valet-go/valet/adapter"
)

// NewSessionContext returns a context whose calls, by the methods of this
// package, are the session's: they run in its transaction, if there is one, one
// after another, and take no slots. So are those that a body makes by the
// driver's own methods.
func NewSessionContext(parent context.Context, sess *Session) context.Context {
	return withLane(mongo.NewSessionContext(parent, sess.x), sess.a, sess.lane)
}

// WithSession calls fn, on the same goroutine, with the context that
// [NewSessionContext] returns, and returns what it does.
func WithSession(ctx context.Context, sess *Session, fn func(context.Context) error) error {
	return fn(NewSessionContext(ctx, sess))
}

// Client returns the client that the session comes from.
func (s *Session) Client() *Client { return NewClient(s.a, s.x.Client()) }

// WithTransaction is [mongo.Session.WithTransaction]. fn runs on a goroutine of
// the adapter's, where the driver's own methods, those of Unwrap, may block; it
// may run more than once. For steps with callbacks there is
// [Session.Transaction].
func (s *Session) WithTransaction(ctx context.Context, fn func(ctx context.Context) (any, error), cb func(any, error), opts ...options.Lister[options.TransactionOptions]) *adapter.Call {
	return adapter.Go(ctx, s.a, func(ctx context.Context) (any, error) {
		return s.x.WithTransaction(ctx, func(ctx context.Context) (any, error) {
			return fn(outOfLane(ctx, s.a))
		}, opts...)
	}, cb, adapter.Held(), adapter.In(s.lane), adapter.Name("WithTransaction"))
}

// Transaction runs steps in a transaction, on the executor: calls with
// callbacks, made with the context that steps gets, the last of whose callbacks
// calls end. With nil the transaction is then committed, with an error aborted;
// calls that are started after end fail. Whatever happens, end must be called;
// only the end of ctx, or of the session's client, serves as well.
//
// As with WithTransaction, a commit whose outcome is not known is tried again,
// and steps run again if an error is one that passes, such as a conflict with
// another transaction; so they must not do anything that cannot be done twice.
// Meanwhile a goroutine waits.
func (s *Session) Transaction(ctx context.Context, steps func(ctx context.Context, end func(error)), cb func(error), opts ...options.Lister[options.TransactionOptions]) *adapter.Call {
	if steps == nil {
		panic("valet/mongo: Transaction needs steps, not nil")
	}
	return adapter.Go(ctx, s.a, func(ctx context.Context) (struct{}, error) {
		_, err := s.x.WithTransaction(ctx, func(ctx context.Context) (any, error) {
			return nil, s.attempt(ctx, steps)
		}, opts...)
		return struct{}{}, err
	}, errOnly(cb), adapter.Held(), adapter.In(s.lane), adapter.Name("Transaction"))
}

// attempt is a body: it runs steps once, and returns when they have ended and
// none of their calls runs.
func (s *Session) attempt(ctx context.Context, steps func(context.Context, func(error))) error {
	if err := ctx.Err(); err != nil { // before another attempt
		return err
	}
	lane := new(adapter.Lane)
	inner, cancel := context.WithCancel(withLane(ctx, s.a, lane))
	defer cancel()
	var once sync.Once
	ended := make(chan error, 1)
	var last *adapter.Call // behind all calls of the steps, and ahead of those that are too late
	end := func(why error) {
		once.Do(func() {
			last = adapter.Go(context.WithoutCancel(ctx), s.a, func(context.Context) (struct{}, error) {
				cancel()
				return struct{}{}, nil
			}, func(struct{}, error) {}, adapter.Releasing(), adapter.In(lane), adapter.Name("end of Transaction"))
			ended <- why
		})
	}
	if err := s.a.Executor().Post(func() {
		returned := false
		defer func() {
			if !returned { // the executor reports that
				end(errStepsPanicked)
			}
		}()
		steps(inner, end)
		returned = true
	}); err != nil {
		return err
	}
	look := time.NewTicker(lookForExecutor)
	defer look.Stop()
	for {
		select {
		case why := <-ended:
			<-last.Done()
			return why
		case <-ctx.Done():
			end(ctx.Err()) // unless there is another reason by now
		case <-look.C:
			if err := s.a.Executor().Post(func() {}); err != nil { // what would call end is lost
				end(err)
			}
		}
	}
}

// lookForExecutor is how soon a transaction whose executor has been closed ends.
const lookForExecutor = time.Second

var errStepsPanicked = errors.New("valet/mongo: the steps of a transaction did not return")
