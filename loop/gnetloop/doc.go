// Package gnetloop serves clients with gnet v2 and makes their connections
// executors: a callback of a database call runs on the goroutine that serves
// the client, so that a handler written in callbacks needs no lock.
//
//	srv := gnetloop.Server{Data: func(c *gnetloop.Conn, in []byte) {
//		db.On(c).QueryRow(c.Context(), query, func(row *mysql.Row, err error) {
//			c.WriteString(reply(row, err)) // on c's loop again
//		}, string(in))
//	}}
//	log.Println(srv.Serve(ctx, "tcp://:5000"))
//
// It is a module of its own, so that only who imports it has gnet and what that
// requires. Its API is that of loop/evioloop, and so are its promises, which the
// same suite of tests holds it to: read there about goroutines, half-closes and
// panics. What differs is said below.
//
// # Goroutines
//
// The callbacks of [Server], but for Ready and PanicHandler, and the functions
// given to [Conn.Post] run on the goroutine of the loop of gnet that serves the
// connection, one at a time. They must not block. Every method of [Conn] may be
// called from any goroutine and none blocks. [Server.Serve] blocks until its
// context ends.
//
// # What gnet does here, and what not
//
// Gnet accepts and reads, nothing else. Of gnet v2.9.7 it is true that
//
//   - Execute, Wake and Close do not keep their order: a task goes to one queue
//     while that has fewer than 1024, otherwise to a second one, whose tasks
//     the later ones of the first overtake. So each loop has a queue of its own,
//     and Execute only makes it look there.
//   - A loop runs such tasks until there is none left, before it reads from its
//     clients: one that executes another starves them. So a queue that is not
//     empty after half a millisecond is looked at again by way of another
//     goroutine.
//   - Execute on a loop that has ended reports no error, runs nothing, and may
//     write eight bytes to a descriptor that is closed, or is somebody else's by
//     then. So OnShutdown, which comes before the loops end, whatever its comment
//     says, is the end of that.
//   - AsyncWrite keeps the slice, does not keep the order with Write, buffers
//     without a bound, and calls back when it has buffered. What the system does
//     not take when a connection is closed is dropped. So output goes straight to
//     the descriptor, and what waits is sent by a loop of this library.
//   - A client that half-closes is closed at once. OnClose comes before the
//     descriptor is closed, so that it can be duplicated there if something is
//     still to be sent. Its error is a SyscallError around io.EOF then, and nil
//     when gnet itself ends.
//   - After OnClose the memory of the zone of an address is used again.
//   - An accept error, such as too many open files, ends the engine, and Run
//     returns nil. So descriptors are left free, and gnet is restarted.
//   - Engine.Stop looks only every half second whether it is through, and ends the
//     acceptor and the loops at the same time: the descriptors of connections
//     between them are lost. So the acceptor is ended first, by shutting its
//     listeners down.
//   - A panic ends the process. [runtime.Goexit] ends a loop, which nobody
//     notices: its clients hang, and so do those that are dealt out to it. So
//     panics are contained, a Goexit restarts gnet, and what is in the dead loop's
//     queues is closed.
//   - LocalAddr has port 0 if the system chose the port; SO_REUSEADDR is off, so
//     that a restart would fail; if one of several addresses is taken, the
//     listeners of the others are lost.
//   - There is no way not to read from a client. [Conn.PauseReading] takes the
//     descriptor out of gnet's poll, whose number is read by reflection.
//   - Importing it starts two goroutines, of a pool that is never stopped; a check
//     for leaks must ignore (*poolCommon).purgeStaleWorkers and ticktock of
//     github.com/panjf2000/ants/v2. The logger is one for the process, whichever
//     engine was started last. Of the engines that listened on the same address
//     the last one stays in memory for ever, with 64 KiB for each loop.
//
// # What differs from evioloop
//
//   - A connection needs one descriptor instead of two, and about 540 bytes of
//     memory instead of 440 while it is idle.
//   - A goroutine beside the loops accepts and deals connections out in turn; in
//     evio the loops accept, the one with the fewest connections first.
//   - "tcp://:5000" needs IPv6 in the system; "tcp4://:5000" does not. A port must
//     be a number.
//
// # Limits
//
//   - A client of a unix socket that comes at the very moment at which the server
//     stops may leave its descriptor behind.
//   - Linux is what is tested. FreeBSD and macOS compile; a stop under load may
//     lose descriptors there. On other systems Serve reports
//     [errors.ErrUnsupported].
//   - A gnet that has other fields, or is built with its tag poll_opt, makes Serve
//     fail with an error that says so.
//
// Not goals: TLS, UDP, gnet's client, framing of the input.
package gnetloop
