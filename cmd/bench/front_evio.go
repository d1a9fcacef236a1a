package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"sync"

	"github.com/panjf2000/ants/v2"
	"github.com/tidwall/evio"

	"github.com/valet-go/valet/loop/evioloop"
)

// lineBuffer cuts the input of a connection into lines.
type lineBuffer struct{ rest []byte }

// take calls each with every line that is whole, which is valid during the call.
func (l *lineBuffer) take(in []byte, each func(line []byte)) {
	if len(l.rest) > 0 {
		l.rest = append(l.rest, in...)
		in = l.rest
	}
	for {
		line, rest, whole := bytes.Cut(in, []byte("\n"))
		if !whole {
			break
		}
		each(line)
		in = rest
	}
	l.rest = append(l.rest[:0], in...)
}

// appendLine is the reply to a line.
func appendLine(b []byte, v string, err error) []byte {
	if err != nil {
		return fmt.Appendf(b, "error: %v\n", err)
	}
	return append(append(b, v...), '\n')
}

// evioFront is an evio server, one loop, that has a worker of an ants pool ask
// the database, blocking, and then wakes the connection for the reply: what can
// be done with evio, a blocking driver, and no more.
func evioFront(ctx context.Context, sp spec) (string, error) {
	s, pool, err := pooledMySQL(ctx, sp)
	if err != nil {
		return "", err
	}
	addrs := make(chan string, 1)
	failed := make(chan error, 1)
	events := evio.Events{
		Serving: func(srv evio.Server) evio.Action {
			addrs <- srv.Addrs[0].String()
			return evio.None
		},
		Opened: func(c evio.Conn) ([]byte, evio.Options, evio.Action) {
			c.SetContext(&evioClient{conn: c, pool: pool, session: s, own: sp.perRequest()})
			return nil, evio.Options{ReuseInputBuffer: true}, evio.None
		},
		Data: func(c evio.Conn, in []byte) ([]byte, evio.Action) {
			client := c.Context().(*evioClient)
			if in == nil { // woken
				return client.replies(), evio.None
			}
			client.lines.take(in, client.ask)
			return nil, evio.None
		},
	}
	go func() { failed <- evio.Serve(events, "tcp://127.0.0.1:0") }()
	select {
	case addr := <-addrs:
		return addr, nil
	case err := <-failed:
		return "", err
	}
}

// evioClient is a connection of evio's.
type evioClient struct {
	conn    evio.Conn
	pool    *ants.Pool
	session *session
	own     bool // each request has a context of its own
	lines   lineBuffer

	mu          sync.Mutex // guards the rest
	ready, sent []byte
}

// ask hands a request to the pool. On evio's loop.
func (c *evioClient) ask(line []byte) {
	key, err := keyOf(line)
	if err == nil {
		err = c.pool.Submit(func() {
			ctx, done := requestContext(context.Background(), c.own)
			defer done()
			v, err := c.session.read(ctx, key)
			c.answer(v, err)
		})
	}
	if err != nil {
		c.answer("", err)
	}
}

// answer queues a reply. Any goroutine.
func (c *evioClient) answer(v string, err error) {
	c.mu.Lock()
	c.ready = appendLine(c.ready, v, err)
	c.mu.Unlock()
	c.conn.Wake()
}

// replies takes what is queued, of which evio makes a copy. On evio's loop.
func (c *evioClient) replies() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ready, c.sent = c.sent[:0], c.ready
	return c.sent
}

// evioloopFront is the same server on Valet: evio's loop, one, for the clients,
// and a loop for the database. Calls end with the client.
func evioloopFront(ctx context.Context, sp spec) (string, error) {
	_, ask, err := valetMySQL(ctx, sp)
	if err != nil {
		return "", err
	}
	return serveEvioloop(ctx, &evioloop.Server{
		Opened: func(c *evioloop.Conn) { c.SetValue(&lineBuffer{}) },
		Data: func(c *evioloop.Conn, in []byte) {
			c.Value().(*lineBuffer).take(in, func(line []byte) {
				answer := func(v string, err error) { c.Write(appendLine(nil, v, err)) }
				key, err := keyOf(line)
				if err != nil {
					answer("", err)
					return
				}
				ask(c.Context(), c, key, answer)
			})
		},
	})
}

// serveEvioloop starts a server of package evioloop.
func serveEvioloop(ctx context.Context, srv *evioloop.Server) (string, error) {
	addrs := make(chan string, 1)
	failed := make(chan error, 1)
	srv.Ready = func(a []net.Addr) { addrs <- a[0].String() }
	go func() { failed <- srv.Serve(ctx, "tcp://127.0.0.1:0") }()
	select {
	case addr := <-addrs:
		return addr, nil
	case err := <-failed:
		return "", err
	}
}
