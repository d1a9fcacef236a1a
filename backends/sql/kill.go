package sql

import (
	"context"
	"errors"
	"time"
)

// KillableRows is implemented by the rows of a driver that can be made to stop
// in a call with the policy [adapter.Kill]. Until they are closed the query's
// own call can kill them; the calls that fetch later batches cannot without
// this.
type KillableRows interface {
	// Arm makes what is read next killable by the call of ctx. With an error
	// nothing must be read.
	Arm(ctx context.Context) error

	// Settle ends that. It reports whether the server was told to stop and the
	// rows are open. Then they must be closed.
	Settle() (killed bool)

	// Kill makes the server stop, without a call that was cancelled: what is
	// left is not wanted. Another goroutine reads, or closes the rows, meanwhile.
	Kill(ctx context.Context) error
}

// KillBy tells the [Rows] whose query has been given ctx how to be killed. A
// driver calls it before its QueryContext returns. With another context it does
// nothing.
func KillBy(ctx context.Context, rows KillableRows) {
	if l, ok := ctx.Value(lifeKey{}).(*life); ok {
		l.killable = rows
	}
}

// life is the context of a query and its rows. It ends when they do.
type life struct {
	context.Context
	end      context.CancelFunc
	killable KillableRows // or nil
}

type lifeKey struct{}

func (l *life) begin(ctx context.Context) { l.Context, l.end = context.WithCancel(ctx) }

// Value is [context.Context.Value].
func (l *life) Value(key any) any {
	if _, ok := key.(lifeKey); ok {
		return l
	}
	return l.Context.Value(key)
}

func (l *life) arm(ctx context.Context) error {
	if l.killable == nil {
		return nil
	}
	return l.killable.Arm(ctx)
}

// settle returns an error if the rows were killed. They must be closed then.
func (l *life) settle() error {
	if l.killable == nil || !l.killable.Settle() {
		return nil
	}
	return errKilled
}

// Draining.
const (
	// drainPatience is how long rows that are closed early may still come.
	drainPatience = 250 * time.Millisecond
	// killPatience bounds the kill of those that do.
	killPatience = 5 * time.Second
)

// drain reads what is left, so that the connection can be used for something
// else. If that takes long, the server is told to stop, or else, unless the
// connection holds a transaction, is given up. What comes of that, or of the end of
// the rows' life, is no error.
func (r *Rows) drain() error {
	timer := time.AfterFunc(drainPatience, func() {
		if !r.life.kill() && r.pooled {
			r.life.end()
		}
	})
	defer timer.Stop()
	for r.rows.Next() {
	}
	if !timer.Stop() || r.life.Err() != nil {
		return nil
	}
	return r.rows.Err()
}

// kill makes the server stop, and reports whether it could.
func (l *life) kill() bool {
	if l.killable == nil {
		return false
	}
	ctx, cancel := context.WithTimeout(context.Background(), killPatience)
	defer cancel()
	return l.killable.Kill(ctx) == nil
}

// errKilled is joined to why the call was cancelled.
var errKilled = errors.New("valet/sql: the server was told to stop")
