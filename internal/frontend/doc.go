// Package frontend is what the hosts of package loop's executors have in
// common: evioloop and gnetloop stand on a server engine that accepts clients
// and reads from them, and nothing else. All the rest is here: the connections
// with their output, high-water mark and pauses, the queues of posted functions,
// and the supervision of an engine that may end by itself.
//
// A host supplies an [Engine], tells of its events by [Loop.Accept],
// [Conn.Opened], [Conn.Data] and [Conn.EngineClosed], and gives its users a Conn that is this package's
// under another name. What the methods promise is said there.
package frontend
