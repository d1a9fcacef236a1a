package sql

import (
	"context"

	"github.com/valet-go/valet/adapter"
)

// Close gives the connection back to its pool, after the calls that were
// started before, and when the rows and transactions that are open on it have
// ended. Calls that are started later fail with [database/sql.ErrConnDone], and
// so does a second Close. No context bounds it. A nil cb is allowed.
func (c *Conn) Close(cb func(error)) *adapter.Call {
	// The driver's Close waits for what is open. In the lane it would keep out
	// the Rollback that it waits for: so only its turn is taken there.
	turn := make(chan struct{})
	caller{c.a, c.lane}.release("Close", func() error {
		close(turn)
		return nil
	}, nil)
	return adapter.Go(context.Background(), c.a, func(ctx context.Context) (struct{}, error) {
		select {
		case <-turn:
		case <-ctx.Done(): // the backend is closed, and the lane's calls with it
		}
		return struct{}{}, c.x.Close()
	}, errOnly(cb), adapter.Releasing(), adapter.Name("Close"))
}
