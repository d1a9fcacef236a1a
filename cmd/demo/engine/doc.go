// Package engine is the demo's engine room: the same blocking driver behind
// three servers, side by side under one load, and what can be seen of it.
//
// Each lane is an evio server with one loop, HTTP, and a pool of connections of
// its own:
//
//   - direct: the handler calls the driver, which blocks evio's loop
//   - pooled: the handler hands the query to a pool of goroutines (ants), which
//     post the answer back to evio's loop
//   - valet: the handler starts a call with a callback; the driver's sockets are
//     on a loop
//
// The load asks all three the same, from a loop of its own, and keeps their
// figures there, so that none of it has a lock. It runs while somebody looks at
// the page, and for [Patience] after that.
//
//	e, err := engine.Open(ctx, engine.Config{MySQL: dsn})
//	...
//	srv := &httploop.Server{Handler: func(x *httploop.Exchange) {
//		if e.Serve(x) {
//			return
//		}
//		...
//	}}
//
// # Limits
//
// All of it, load and lanes, is in one process, and shares its processors: the
// figures compare the lanes with each other, and measure nothing. The page is
// for people who may see addresses and queries, as those of adapter/debughttp
// are. Evio does not run on Windows, where Open fails.
package engine
