// Package bus carries messages between the processes of the demo's chat: what one
// publishes all of them receive, itself included. The broker is a NATS or a Redis
// server, and its client the unmodified nats.go or go-redis, whose sockets are on
// the adapter's loop.
//
//	b, err := bus.Open(ctx, a.On(executor), "nats://127.0.0.1:4222", func(data []byte) {
//		// on the executor: a message
//	}, bus.WithMissed(func() {
//		// on the executor: messages may be missing here; look into the history
//	}))
//	...
//	b.Publish(ctx, data, func(err error) { /* on the executor */ })
//
// # URLs
//
//	nats://user:password@host:4222       tls://… with TLS
//	redis://user:password@host:6379      rediss://… with TLS
//
// One server is named; those of a NATS cluster tell of each other. Redis's URL may
// have options, as in [github.com/redis/go-redis/v9.ParseURL]. Its publishing knows
// no databases, so a number there separates nothing: [WithTopic] does.
//
// # What gets lost
//
// Neither broker keeps messages: what is published while a process is disconnected
// it never gets. The clients connect again for ever, and once the server has
// confirmed the new subscription, the function given to [WithMissed] is called: what
// is published from then on arrives, so whoever looks into a history now misses
// nothing, though messages may come a second time. The same happens when messages come
// faster than the executor takes them: at most 4096 of them, or 8 MiB, wait to be
// fetched for it, beside the two batches of that size that it may have been given;
// the next ones are dropped. The loop never waits for the executor.
//
// Messages that one process publishes arrive everywhere in the order of its calls
// of Publish.
//
// A Redis server that has stopped without closing its connections is noticed by
// its client only when the system gives the connection up; NATS's client notices
// in a minute.
package bus
