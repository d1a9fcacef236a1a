// Package adapter makes any blocking function a call with a callback: the
// general method for asynchronizing synchronous network APIs.
//
//	a := adapter.New(l)
//	adapter.Go(ctx, a, func(ctx context.Context) (string, error) {
//		return rdb.Get(ctx, "key").Result() // blocks, on a goroutine of the adapter's
//	}, func(value string, err error) {
//		fmt.Println(value, err) // on the loop
//	})
//
// A body may be a straight line of several driver calls; that is the cure for
// nested callbacks. With the driver's sockets from package fakesock, all its
// waiting is the loop's.
//
// # Guarantees
//
// Every call calls back exactly once, on its executor, never under a lock, and
// never before a callback that is running there has returned: with the body's
// result; with the context's error if that ended while the call was queued;
// with [context.Canceled] after [Call.Cancel]; with [ErrOverloaded] or
// [ErrClosed] if it was not admitted; with a [*PanicError] if the body
// panicked. Only when the executor itself is closed can a callback not run;
// [Stats] counts those.
//
// Starting a call never blocks, whatever the goroutine.
//
// # Admission
//
// A backend, made by [Adapter.Backend], runs as many bodies at once as it has
// slots, so that one database cannot starve another; more calls queue up to a
// bound, beyond which they fail at once with [ErrOverloaded]. A held call, made
// with [Held] for work on a connection that the caller holds already (a
// transaction, rows, a cursor), bypasses slots and queue: otherwise calls that
// wait for a connection could keep out the very call that would free one.
//
// # Life of a call
//
//	from     to       who and when                         callback
//	waiting  running  a worker, when a slot is free        —
//	waiting  ended    Cancel; its context ended; Close     with the reason
//	running  ended    its body returned, panicked, exited  with the result
//	running  ended    Cancel, or Close out of patience     at once, with the reason
//
// In the last case the body is abandoned: it goes on with the context it was
// given, keeps its slot until it returns, and its result is dropped. To make a
// driver stop, end the context given to the call: it is passed to the body as
// it is, and what the driver makes of it (most close the connection) is the
// result.
//
// # Goroutines
//
// Everything here may be called from any goroutine, and nothing blocks, but
// [Adapter.Close], [Wait] and [WaitErr].
package adapter
