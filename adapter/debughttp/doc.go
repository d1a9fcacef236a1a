// Package debughttp shows what adapters are doing, in a browser and as JSON: the
// counts of their backends, the calls in flight, on which connection each of
// them is parked, and the stack of its goroutine.
//
//	http.Handle("/debug/valet", debughttp.Handler(a))
//
// Expose it to operators only, on a loopback address or behind what
// authenticates them. It asks nobody who they are, and it tells the names of
// calls, addresses, and stacks with the paths of source files; and whoever asks
// for stacks slows the program down.
//
// # Queries
//
// It is one page, whatever the path, which links to itself by queries alone; so
// it can be mounted anywhere, with and without [http.StripPrefix].
//
//	?format=json    the same as JSON
//	?waiting=1000   list so many calls that wait for a slot, of each backend and
//	                class; 100 if it is not said, 10000 at most
//	?refresh=5      let the browser load the page again every 5 s; 3600 at most
//	?goroutine=42   the stack of that goroutine, as text, if a call in flight
//	                runs on it, and status 404 otherwise
//
// GET and HEAD are served, other methods get status 405, and a query that makes
// no sense 400.
//
// # JSON
//
// Durations are in seconds. Fields may be added.
//
//	{
//	  "time": "2006-01-02T15:04:05Z",
//	  "backends": [{
//	    "name": "mysql", "pressure": false,
//	    "running": 3, "abandoned": 0, "waiting": 1,
//	    "slots_taken": 2, "slots": 2, "long_slots_taken": 1, "long_slots": 256, "queue_limit": 65536,
//	    "started": 10, "refused": 0, "cancelled": 0, "panicked": 0, "undelivered": 0
//	  }],
//	  "calls": [{
//	    "backend": "mysql", "name": "users.find", "state": "running", "age_seconds": 0.25,
//	    "held": false, "long": false, "abandoned": false, "goroutine": 42,
//	    "parked": {"op": "read", "local": "127.0.0.1:40000", "remote": "127.0.0.1:3306", "seconds": 0.249}
//	  }],
//	  "waiting_not_listed": 0
//	}
//
// The calls whose bodies run come first, and then those that wait, the oldest
// first in both cases. A call that has no goroutine yet, or is not parked, does
// not have that field; nor has a connection without a peer "remote".
//
// # Limits
//
// What is served is no snapshot of one moment: each backend is asked in turn,
// and a call may end while others are looked at. Calls that wait in a lane are
// counted, and not listed.
package debughttp
