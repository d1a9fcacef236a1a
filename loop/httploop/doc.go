// Package httploop serves HTTP/1.1 on an event loop: each request is handed to a
// handler on the goroutine that serves its client, and answered from there, at
// once or from any later callback, without a goroutine per client.
//
//	srv := &httploop.Server{Handler: func(x *httploop.Exchange) {
//		id := string(x.Request().URI().QueryArgs().Peek("id"))
//		db.On(x).QueryRow(x.Context(), "SELECT name FROM users WHERE id = ?", func(row *mysql.Row, err error) {
//			var name string
//			if err == nil {
//				err = row.Scan(&name)
//			}
//			if err != nil {
//				x.Error(http.StatusInternalServerError, "try again")
//				return
//			}
//			x.JSON(http.StatusOK, name)
//		}, id)
//	}}
//
// It is a front end, not a framework: it parses, limits, keeps alive, and keeps
// order. Routing is a switch on the path. It is a module of its own, so that only who
// imports it has fasthttp, whose parser it uses.
//
// # Hosts
//
// [Server.Listen] serves on a loop of package loop. On evio and gnet the methods
// of Server are the host's callbacks:
//
//	evioloop.Server{
//		Opened: func(c *evioloop.Conn) { srv.Opened(c) },
//		Data:   func(c *evioloop.Conn, in []byte) { srv.Data(c, in) },
//		EOF:    func(c *evioloop.Conn) { srv.EOF(c) },
//		Closed: func(c *evioloop.Conn, err error) { srv.Closed(c) },
//	}
//
// # Goroutines
//
// The handler, and every method of [Exchange] but Post and Context, belong to
// the goroutine that serves the client: they run there, one at a time, and must
// not block. An Exchange is an executor, so callbacks of calls made with On(x)
// are there already.
//
// # Waiting
//
// A handler that returns without an answer has made its client wait: a
// long-poll. What such a client costs is the connection, with a few hundred
// bytes, and the Exchange: the request is gone when the handler has returned,
// unless that called [Exchange.Keep]. [Exchange.OnGone] tells when the client
// has left.
//
// # Pipelining
//
// Requests that a client sends without waiting are all handed to the handler, up
// to [Server.MaxPipelined], and may be answered in any order: the answers are
// sent in the order of the requests. A handler never runs inside an answer that
// is given to another.
//
// # Limits
//
// Header and body have limits of size, beyond which the client gets 431 or 413
// and is disconnected. A client that is slow to send gets 408; one that sends
// nothing between two requests is disconnected.
//
// A client that does not read its answers is not read from once 256 KiB of them
// wait. When it then reads nothing for [Server.BodyTimeout] it is disconnected, and
// what waits is dropped; so is what still waits behind the last answer, once that
// has closed the connection.
//
// What is parsed is what package fasthttp takes for HTTP/1.1 or 1.0, less what
// others may take for something else: a body that is framed twice, continued
// lines, bare CR or LF, a space before a colon, more than one Host. It gets 400.
// Not goals: TLS, HTTP/2, WebSocket, streamed bodies, compression, routing.
package httploop
