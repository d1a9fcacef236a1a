package mongo

import (
	"context"
	"time"

	"go.mongodb.org/mongo-driver/v2/mongo"
)

// changeFeed is a change stream whose reads end with their context as a cursor's
// do. The driver's Next takes that end for an error after which it can resume,
// closes its cursor with a context that has ended, so that the server does not
// hear of it, and forgets it. If a server is asked something at that time, it
// closes the cursor when it finds the connection closed. If its answer is on the
// way, nobody does until the server finds the cursor idle.
type changeFeed struct {
	*mongo.ChangeStream
	err error // why it was not asked
}

// Next asks until there is an event, and looks at ctx in between.
func (c *changeFeed) Next(ctx context.Context) bool {
	ctx, end := unhurried(ctx)
	defer end()
	for {
		if c.err = ctx.Err(); c.err != nil {
			return false
		}
		if c.ChangeStream.TryNext(ctx) {
			return true
		}
		if c.ChangeStream.Err() != nil || c.ID() == 0 {
			return false
		}
	}
}

func (c *changeFeed) TryNext(ctx context.Context) bool {
	if c.RemainingBatchLength() > 0 {
		return c.ChangeStream.TryNext(ctx)
	}
	ctx, end := unhurried(ctx)
	defer end()
	return c.ChangeStream.TryNext(ctx)
}

func (c *changeFeed) Err() error {
	if c.err != nil {
		return c.err
	}
	return c.ChangeStream.Err()
}

// unhurried returns a context that is cancelled at the deadline of ctx, and has a
// later one itself, which keeps the client's timeout away. At a deadline of its
// own the driver would not close the connection, but wait for the server's
// answer, and then use it for something else.
func unhurried(ctx context.Context) (later context.Context, end func()) {
	at, bounded := ctx.Deadline()
	if !bounded {
		return ctx, func() {}
	}
	later, cancel := context.WithDeadline(context.WithoutCancel(ctx), at.Add(time.Hour))
	stop := context.AfterFunc(ctx, cancel)
	return later, func() { stop(); cancel() }
}
