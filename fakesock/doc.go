// Package fakesock provides network connections whose waiting is done by an
// event loop: a [Conn] is a real [net.Conn], made by a drop-in for
// [net.Dialer], and any driver that lets its dialer be replaced runs over it
// unmodified.
//
//	d := &fakesock.Dialer{Loop: l}
//	rdb := redis.NewClient(&redis.Options{Addr: addr, Dialer: d.DialContext})
//
// A call that cannot finish at once parks its goroutine. The loop then reads
// straight into the parked reader's buffer as soon as data arrives, or writes
// the rest of a parked writer's, and unparks it with the result. Nothing is
// read ahead: without a reader, data stays in the kernel.
//
// A [Listener] is the same for the other side: any server that takes a
// [net.Listener] runs over it.
//
//	ln, err := fakesock.Listen(l, "tcp", ":8080")
//	...
//	err = http.Serve(ln, handler)
//
// # What waits
//
// [Conn.Stats] says what a connection has done and how long it has waited, and
// [Parked] what is waiting now on a loop's connections and listeners, since
// when and until when: a driver that hangs shows there with the address of the
// server that does not answer.
//
// # Memory
//
// An idle connection takes some 550 bytes of heap, deadlines included, and no
// goroutine; what a parked operation needs comes from a pool.
//
// # Goroutines
//
// All methods may be called from any goroutine at any time, as [net.Conn]
// demands, except that an operation which would have to wait fails with
// [loop.ErrWouldBlockLoop] on the goroutine of a loop or of a front end: it
// would stop the callbacks, and might wait for itself. Waiting for another call
// of the same direction, which is parked, counts. Such goroutines are recognised
// by the runtime's pointer to them (elsewhere than on amd64 and arm64 by their
// number in a stack trace, which takes microseconds), and only where an operation
// is about to wait, so that the check costs the fast path nothing.
//
// # Errors
//
// They are those of package net: [*net.OpError] around [net.ErrClosed],
// [os.ErrDeadlineExceeded] or an [*os.SyscallError]; a bare [io.EOF]. When the
// loop is closed, what is parked and what would park fails with
// [loop.ErrClosed]. While a loop is not running, parked operations wait for
// their deadline, for Close, or for the loop to run.
//
// # Limits
//
// TCP and unix stream sockets; other networks are dialled, and returned, as by
// net.Dialer, and not listened on. The loop does the waiting on Linux, macOS
// and the BSDs. Elsewhere, and with the build tag valetportable, Go's own
// poller does it behind the same API: closing the loop then ends no call, on the
// goroutine of a loop every Read, Write, ReadFrom and Accept fails, and calls of
// a RawConn are not seen by Parked.
package fakesock
