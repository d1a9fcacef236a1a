package mongo

import (
	"context"

	"go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/valet-go/valet/adapter"
)

// laneKey is where a context has the lane of its session, as a *sessionLane.
type laneKey struct{}

// sessionLane is a lane with the adapter of its session, since a lane is of one
// backend. A call of another client's, which the driver refuses, must not enter
// it by its own.
type sessionLane struct {
	a    *adapter.Adapter
	lane *adapter.Lane
}

// withLane returns a context whose calls a starts in the lane.
func withLane(ctx context.Context, a *adapter.Adapter, lane *adapter.Lane) context.Context {
	return context.WithValue(ctx, laneKey{}, &sessionLane{a, lane})
}

// laneOf returns the lane of the context's session, and what is to start its
// calls, with the executor of a; or nil, and a itself.
func laneOf(ctx context.Context, a *adapter.Adapter) (*adapter.Lane, *adapter.Adapter) {
	l, _ := ctx.Value(laneKey{}).(*sessionLane)
	if l == nil {
		return nil, a
	}
	return l.lane, l.a.On(a.Executor())
}

// outOfLane returns the context of a call in a lane, for its body: what that
// starts, and waits for, needs another.
func outOfLane(ctx context.Context, a *adapter.Adapter) context.Context {
	return withLane(ctx, a, new(adapter.Lane))
}

// inLane makes a call one of a session's, if lane is not nil.
func inLane(lane *adapter.Lane) adapter.CallOption {
	if lane == nil {
		return adapter.CallOption{}
	}
	return adapter.Options(adapter.Held(), adapter.In(lane))
}

// start is [adapter.Go], in the lane of the session that ctx has, if any: what
// generated calls are started by.
func start[T any](ctx context.Context, a *adapter.Adapter, body func(context.Context) (T, error), cb func(T, error), opts ...adapter.CallOption) *adapter.Call {
	lane, a := laneOf(ctx, a)
	if lane == nil {
		return adapter.Go(ctx, a, body, cb, opts...)
	}
	return adapter.Go(ctx, a, func(ctx context.Context) (T, error) {
		return body(outOfLane(ctx, a))
	}, cb, adapter.Options(opts...), adapter.Held(), adapter.In(lane))
}

// cursor starts the calls whose result is a cursor: a helper of what is
// generated.
func cursor(ctx context.Context, a *adapter.Adapter, _ *adapter.Lane, find func(context.Context) (*mongo.Cursor, error), cb func(*Cursor, error), opts ...adapter.CallOption) *adapter.Call {
	lane, a := laneOf(ctx, a)
	return adapter.Go(ctx, a, func(ctx context.Context) (*Cursor, error) {
		cur, err := find(ctx)
		if err != nil {
			return nil, err
		}
		return newCursor(a, lane, cur), nil
	}, cb, inLane(lane), adapter.Options(opts...), adapter.OnDrop(func(c any) { _ = c.(*Cursor).f.stop() }))
}

// changes starts the calls whose result is a change stream: a helper of what is
// generated.
func changes(ctx context.Context, a *adapter.Adapter, _ *adapter.Lane, watch func(context.Context) (*mongo.ChangeStream, error), cb func(*ChangeStream, error), opts ...adapter.CallOption) *adapter.Call {
	lane, a := laneOf(ctx, a)
	return adapter.Go(ctx, a, func(ctx context.Context) (*ChangeStream, error) {
		cs, err := watch(ctx)
		if err != nil {
			return nil, err
		}
		return newChangeStream(a, lane, cs), nil
	}, cb, inLane(lane), adapter.Options(opts...), adapter.OnDrop(func(c any) { _ = c.(*ChangeStream).stop() }))
}
