// Package evioloop serves clients with evio and makes their connections
// executors: a callback of a database call runs on the goroutine that serves
// the client, so that a handler written in callbacks needs no lock.
//
//	srv := evioloop.Server{Data: func(c *evioloop.Conn, in []byte) {
//		db.On(c).QueryRow(c.Context(), query, func(row *mysql.Row, err error) {
//			c.WriteString(reply(row, err)) // on c's loop again
//		}, string(in))
//	}}
//	log.Println(srv.Serve(ctx, "tcp://:5000"))
//
// # Goroutines
//
// The callbacks of [Server], but for Ready and PanicHandler, and the functions
// given to [Conn.Post] run one at a time on the goroutine of the loop of evio that
// serves the connection; there is one loop, or as many as [Server.Loops] says.
// They must not block; a fake-socket operation that would fails there with
// [loop.ErrWouldBlockLoop]. Every method of [Conn] may be called from any
// goroutine and none blocks, so a client can be written to at any time from
// anywhere. [Server.Serve] blocks until its context ends.
//
// Posted functions run in order, for at most half a millisecond at a time
// before evio reads from its clients again. What is posted from a callback runs
// after that callback has returned.
//
// # What evio does here, and what not
//
// Evio accepts and reads, nothing else. Its loop does not wait in epoll, which
// would cost a busy server a fifth of its processor time, but in a callback of a
// private connection, until evio's poll has something or a function is posted;
// evio's Wake, which loses output and wake-ups, is not used.
// Output goes straight to the kernel on a duplicate of the connection's
// descriptor; what does not fit is sent by a loop of this package's own. A
// connection is closed by shutdown(2), which evio notices. So each connection
// needs two descriptors: 64 of the process's are left free, and clients beyond
// that are closed at once (see [Server.Refused]), because evio ends when it
// cannot accept.
//
// # Slow clients, and fast ones
//
// A client that does not read makes output wait, up to [Server.MaxBuffered].
// [Conn.SetHighWater] tells a handler that produces much when to stop and when to
// go on. [Conn.PauseReading] holds a client up that sends faster than its requests
// can be answered; adapter.OnPressure tells when. [Conn.Close] waits until the
// client has read what was written, [Conn.CloseNow] does not.
//
// An idle connection costs about 440 bytes of memory, evio's share included, and
// two descriptors. A request that is held while it waits usually costs more:
// do not keep what need not be kept.
//
// # When a client stops sending
//
// A client that half-closes (as nc -N does, or printf … | nc) looks like one
// that is gone: evio reads an end of file and closes its descriptor. What was
// written before is still sent, however slowly the client reads. What would be
// written later depends on [Server.EOF]: without it the connection is closing
// from then on, its context ended with the cause io.EOF, and calls under that
// context end with an error; with it the connection stays open for the replies
// that are under way, until Close. EOF is not called for a client that has
// never sent anything, nor after Close.
//
// # Panics
//
// A panic in a callback is reported and closes its connection; the server goes
// on. [runtime.Goexit] in a callback (t.FailNow calls it) cannot be contained:
// it ends evio's loop goroutine, and with it evio. All clients are
// disconnected and evio is restarted, as after an accept error; posted
// functions are not lost.
//
// # Limits
//
//   - Linux is what is tested. FreeBSD and macOS compile, and a connection whose
//     client does not keep up is closed there for want of a poller in package
//     loop. On other systems Serve reports [errors.ErrUnsupported].
//   - Evio's fields are read by reflection; an evio that has other ones makes
//     Serve fail with an error that says so.
//   - Evio panics, on its loop's goroutine, if the system refuses to poll a
//     connection (fs.epoll.max_user_watches), which ends the process.
//   - Between evio's accept and this package's close-on-exec mark a child
//     process may inherit a client's descriptor.
//   - When evio stops it closes the numbers of its listeners' descriptors twice,
//     so that one which another goroutine opens at that very moment may be
//     closed. This is made unlikely, but cannot be ruled out.
//   - With several loops that which has the fewest connections accepts the next
//     one. Until it gets to that the others poll in vain, if a client waits.
//
// Docs/evio.md says how a server written for evio moves over. Package gnetloop, a
// module of its own, has the same API on gnet v2.
//
// Not goals: TLS, UDP, evio's -net fallback, framing of the input.
package evioloop
