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
// result; with why it was cancelled; with [ErrOverloaded] or [ErrClosed] if it
// was not admitted; with a [*PanicError] if the body panicked. Only when the
// executor itself is closed can a callback not run; [Stats] counts those.
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
// wait for a connection could keep out the very call that would free one. Work
// that waits for long, made with [Long], has slots of its own. A front end that
// stops reading its clients while [Adapter.OnPressure] says so never sees
// ErrOverloaded.
//
// # Order
//
// Calls in a [Lane] run one after another. Those in a [Window] run beside each
// other and call back in the order of starting.
//
// # Life of a call
//
//	from      to        who and when                                   callback
//	waiting   running   a worker, when a slot is free                  —
//	waiting   ended     it is cancelled; Close out of patience         at once, with the cause
//	running   ended     its body returned, panicked, exited            with the result
//	running   stopping  it is cancelled, with policy Close or Kill     —
//	running   ended     it is cancelled, with policy Abandon           at once, with the cause
//	running   ended     Close out of patience                          at once, with ErrClosed
//	stopping  ended     its body returned, panicked, exited            with the result, and the cause if that is an error
//	stopping  ended     Close out of patience                          at once, with ErrClosed
//
// A call is cancelled by [Call.Cancel], by the end of the context given to it or
// of its executor's (see [Adapter.On]), or by its timeout; the first of these
// counts. What the policies do to the body, and to its connection, is said at
// [CancelPolicy]. The context that the body gets ends only by that: not when the
// call is over, so that a transaction which the body has begun lives on.
//
// # Seeing what goes on
//
// [Adapter.Calls] lists the calls in flight with the connection that each waits
// on, [Adapter.Stats] counts, and a [Hook] hears of every call. Package
// adapter/debughttp serves all that to a browser.
//
// # Testing
//
// [Wait] makes a call with a callback one that blocks, and [Manual] is an
// executor that runs callbacks when it is told to.
//
// # Goroutines
//
// Everything here may be called from any goroutine, and nothing blocks, but
// [Adapter.Close], [Wait], [WaitErr], [Manual.Wait] and what runs callbacks of a
// Manual. On the goroutine of an executor those that wait for a callback fail
// with [loop.ErrWouldBlockLoop], as do the operations of package fakesock that
// would have to wait.
package adapter
