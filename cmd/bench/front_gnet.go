package main

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/panjf2000/ants/v2"
	"github.com/panjf2000/gnet/v2"
	"github.com/sirupsen/logrus"
)

// gnetFront is a gnet server that has a worker of an ants pool ask the database,
// blocking, and write the answer by AsyncWrite, as gnet's documentation has it.
// HTTP is parsed no further than the request needs.
func gnetFront(ctx context.Context, sp spec) (string, error) {
	s, pool, err := pooledMySQL(ctx, sp)
	if err != nil {
		return "", err
	}
	port, err := freePort() // gnet does not tell which one it got
	if err != nil {
		return "", err
	}
	addr := net.JoinHostPort("127.0.0.1", port)
	h := &gnetHandler{pool: pool, session: s, own: sp.perRequest(), booted: make(chan struct{})}
	failed := make(chan error, 1)
	go func() { failed <- gnet.Run(h, "tcp://"+addr, gnet.WithLogger(logrus.StandardLogger())) }()
	select {
	case <-h.booted:
		return addr, nil
	case err := <-failed:
		return "", err
	}
}

type gnetHandler struct {
	gnet.BuiltinEventEngine
	pool    *ants.Pool
	session *session
	own     bool // each request has a context of its own
	booted  chan struct{}
}

// OnBoot is gnet's.
func (h *gnetHandler) OnBoot(gnet.Engine) gnet.Action {
	close(h.booted)
	return gnet.None
}

// OnTraffic is gnet's, on the loop that serves c.
func (h *gnetHandler) OnTraffic(c gnet.Conn) gnet.Action {
	for {
		in, err := c.Peek(-1)
		if err != nil {
			return gnet.Close
		}
		end := bytes.Index(in, []byte("\r\n\r\n"))
		if end < 0 {
			return gnet.None
		}
		method, rest, _ := bytes.Cut(in[:end], []byte(" "))
		path, _, _ := bytes.Cut(rest, []byte(" "))
		if string(method) != http.MethodGet || len(path) == 0 || path[0] != '/' {
			return gnet.Close
		}
		key, err := keyOf(path[1:])
		if err != nil {
			return gnet.Close
		}
		if _, err = c.Discard(end + 4); err != nil {
			return gnet.Close
		}
		if h.pool.Submit(func() { h.answer(c, key) }) != nil {
			return gnet.Close
		}
	}
}

// answer asks the database and sends the answer. On a worker.
func (h *gnetHandler) answer(c gnet.Conn, key int) {
	ctx, done := requestContext(context.Background(), h.own)
	defer done()
	v, err := h.session.read(ctx, key)
	status := "200 OK"
	if err != nil {
		status, v = "500 Internal Server Error", err.Error()
	}
	c.AsyncWrite(appendResponse(nil, status, v), nil)
}

// appendResponse appends an answer with the fields that the other servers' have.
func appendResponse(b []byte, status, v string) []byte {
	b = append(b, "HTTP/1.1 "...)
	b = append(b, status...)
	b = append(b, "\r\nDate: "...)
	b = append(b, httpDate()...)
	b = append(b, "\r\nContent-Type: "+plainText+"\r\nContent-Length: "...)
	b = strconv.AppendInt(b, int64(len(v)), 10)
	b = append(b, "\r\n\r\n"...)
	return append(b, v...)
}

// stamp is a second, and its text in a header.
type stamp struct {
	second int64
	text   string
}

var lastStamp atomic.Pointer[stamp]

// httpDate formats the time once a second.
func httpDate() string {
	now := time.Now()
	s := lastStamp.Load()
	if s == nil || s.second != now.Unix() {
		s = &stamp{now.Unix(), now.UTC().Format(http.TimeFormat)}
		lastStamp.Store(s)
	}
	return s.text
}
