package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/valet-go/valet/loop/evioloop"
)

const (
	maxHead        = 16 << 10  // bytes of a request up to its empty line
	maxAhead       = 256 << 10 // bytes of requests that wait for the answer before
	requestTimeout = 10 * time.Second
)

// exchange is one request and its answer. It belongs to the goroutine of its
// connection, whose callbacks may answer at any time, once.
type exchange struct {
	// Its context ends with the connection, or after requestTimeout. It is nil
	// for what is not a request that can be served.
	*http.Request

	conn   *evioloop.Conn
	stream *httpStream
	cancel context.CancelFunc
	done   bool
}

// httpStream cuts the input of a connection into requests, and hands them to
// handle one after another: the next when the one before is answered. It is
// the value of its connection.
type httpStream struct {
	handle func(*exchange)
	in     []byte
	busy   bool // a request is being answered
	inside bool // serve is running
	ended  bool // the client sends no more
	last   bool // an answer has said that the connection closes
}

// received is the server's Data: in has come.
func (s *httpStream) received(c *evioloop.Conn, in []byte) {
	if s.last {
		return
	}
	if s.in = append(s.in, in...); len(s.in) > maxAhead {
		s.last, s.in = true, nil
		_ = c.Close() // it may have been closed already
		return
	}
	s.serve(c)
}

// finished is the server's EOF: the client sends no more, and may still read.
func (s *httpStream) finished(c *evioloop.Conn) {
	s.ended = true
	s.serve(c)
}

// serve handles the requests that are there. A handler that answers at once
// does not lead back into it, however many requests there are.
func (s *httpStream) serve(c *evioloop.Conn) {
	if s.inside {
		return
	}
	s.inside = true
	defer func() { s.inside = false }()
	for !s.busy && !s.last {
		x, bad := s.next(c)
		switch {
		case bad != 0:
			x = &exchange{conn: c, stream: s, cancel: func() {}}
			s.busy = true
			x.text(bad, "text/plain; charset=utf-8", http.StatusText(bad)+"\n")
		case x != nil:
			s.busy = true
			s.handle(x)
		default: // nothing, or not all of it
			s.last = s.ended
			if !s.last {
				return
			}
		}
	}
	if s.last && !s.busy {
		_ = c.Close() // as above
	}
}

// next takes a request off the input: nil if it is not complete, or the status
// of the refusal if it is not one that can be served.
func (s *httpStream) next(c *evioloop.Conn) (x *exchange, bad int) {
	end := bytes.Index(s.in, []byte("\r\n\r\n"))
	switch {
	case end < 0 && len(s.in) > maxHead || end > maxHead:
		return nil, http.StatusRequestHeaderFieldsTooLarge
	case end < 0:
		return nil, 0
	}
	head := s.in[:end+4]
	req, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(head)))
	switch {
	case err != nil:
		return nil, http.StatusBadRequest
	case req.Method != http.MethodGet && req.Method != http.MethodHead:
		return nil, http.StatusMethodNotAllowed
	case req.ContentLength != 0:
		return nil, http.StatusRequestEntityTooLarge // nothing here takes a body
	}
	s.in = s.in[len(head):]
	if len(s.in) == 0 {
		s.in = nil
	}
	ctx, cancel := context.WithTimeout(c.Context(), requestTimeout)
	return &exchange{Request: req.WithContext(ctx), conn: c, stream: s, cancel: cancel}, 0
}

// text answers the request. Only the first answer counts.
func (x *exchange) text(status int, contentType, body string) {
	if x.done {
		return
	}
	x.done = true
	x.cancel()
	s := x.stream
	resp := http.Response{
		StatusCode: status, ProtoMajor: 1, ProtoMinor: 1, Request: x.Request,
		Header:        http.Header{"Content-Type": {contentType}},
		Body:          io.NopCloser(strings.NewReader(body)),
		ContentLength: int64(len(body)),
		// A client that speaks HTTP/1.0 is not bothered with keep-alive.
		Close: x.Request == nil || x.Request.Close || !x.ProtoAtLeast(1, 1),
	}
	if status == http.StatusMethodNotAllowed {
		resp.Header.Set("Allow", "GET, HEAD")
	}
	if resp.Close {
		s.last, s.in = true, nil
	}
	var out bytes.Buffer
	if err := resp.Write(&out); err != nil {
		panic(fmt.Sprintf("demo: writing into memory: %v", err))
	}
	// An error means that the client is gone, which needs no answer.
	_, _ = x.conn.Write(out.Bytes())
	s.busy = false
	s.serve(x.conn)
}
