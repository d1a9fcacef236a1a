package mongo

import (
	"context"
	"time"

	"github.com/valet-go/valet/adapter"
)

// waitAhead is how long the batch that Each has asked for ahead may take when an
// item has ended it. To cancel that costs a connection, and not to may take for
// ever, with a change stream or a tailable cursor.
const waitAhead = 100 * time.Millisecond

// eachOf is [adapter.Stream.Each] for fetches that may wait for long: one that is
// ahead of an item by which Each is stopped is cancelled.
func eachOf[T any](ctx context.Context, s *adapter.Stream[T], item func(T) error, done func(error)) {
	if item == nil || done == nil {
		panic("valet/mongo: Each needs both functions, not nil")
	}
	ctx, cancel := context.WithCancel(ctx)
	var late *time.Timer // both functions run on the executor
	s.Each(ctx, func(v T) (err error) {
		goesOn := false
		defer func() {
			if !goesOn {
				late = time.AfterFunc(waitAhead, cancel)
			}
		}()
		err = item(v)
		goesOn = err == nil
		return err
	}, func(err error) {
		if late != nil {
			late.Stop()
		}
		cancel()
		done(err)
	})
}
