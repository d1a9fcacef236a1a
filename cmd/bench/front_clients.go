package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/valet-go/valet/loop"
)

// protocol is what clients and server speak.
type protocol string

const (
	lineProtocol protocol = "line" // a key and a newline; its value and a newline
	httpProtocol protocol = "http" // GET /key, and 200 with its value as the body
)

// clientsSpec is what the process of the clients is told.
type clientsSpec struct {
	Addr             string
	Protocol         protocol
	Clients          int
	Warmup, Duration time.Duration
}

// What the clients say before their sample.
type (
	windowStarts struct{}
	windowEnds   struct{}
)

// clientsRole is the clients: a connection each, on which a request waits for its
// reply all the time. They are streams on one loop, so that they take little of
// the processors that the server needs. It says when its window starts and when
// it ends, and returns a sample of what the clients saw.
func clientsRole(ctx context.Context, in json.RawMessage, ready func(any) error) error {
	var sp clientsSpec
	if err := json.Unmarshal(in, &sp); err != nil {
		return err
	}
	l, err := loop.Start(ctx)
	if err != nil {
		return err
	}
	defer l.Close() // and with it the streams
	streams, err := dialStreams(ctx, l, sp.Addr, sp.Clients)
	if err != nil {
		return err
	}
	m := newMeter(sp.Clients, value)
	if err := l.Post(func() {
		for i, s := range streams {
			newClient(sp.Protocol, s, m, i).request()
		}
	}); err != nil {
		return err
	}
	w, err := m.measure(ctx, sp.Warmup, lasting(sp.Duration), func() (func(), error) {
		return func() { ready(windowEnds{}) }, ready(windowStarts{})
	})
	if err != nil {
		return err
	}
	return ready(m.sample(w))
}

// client is one of them. On the loop.
type client struct {
	stream  *loop.Stream
	meter   *meter
	lane    int
	message []byte
	want    string
	cut     func(in []byte) (value []byte, whole bool, err error)
	came    []byte // of a reply that is not whole
	reply   func([]byte, error)
}

func newClient(p protocol, s *loop.Stream, m *meter, lane int) *client {
	key := m.lanes[lane].key
	c := &client{stream: s, meter: m, lane: lane, want: m.want(key)}
	switch p {
	case lineProtocol:
		c.message, c.cut = fmt.Appendf(nil, "%d\n", key), cutLine
	case httpProtocol:
		c.message, c.cut = fmt.Appendf(nil, "GET /%d HTTP/1.1\r\nHost: %s\r\n\r\n", key, s.RemoteAddr()), cutResponse
	}
	c.reply = c.received
	return c
}

func (c *client) request() {
	c.meter.begin(c.lane)
	c.stream.Write(c.message, nil)
	c.stream.ReadSome(c.reply)
}

func (c *client) received(in []byte, err error) {
	if len(c.came) > 0 {
		c.came = append(c.came, in...)
		in = c.came
	}
	var v []byte
	whole := false
	if err == nil {
		v, whole, err = c.cut(in)
	}
	if err == nil && !whole {
		c.came = append(c.came[:0], in...)
		c.stream.ReadSome(c.reply)
		return
	}
	got := c.want // without a copy
	if string(v) != got {
		got = string(v)
	}
	c.came = c.came[:0]
	if c.meter.end(c.lane, got, err) {
		c.request()
	}
}

// cutLine takes a reply of the line protocol.
func cutLine(in []byte) (v []byte, whole bool, err error) {
	v, rest, whole := bytes.Cut(in, []byte("\n"))
	return v, whole, nothing(rest)
}

// cutResponse takes one of HTTP's, whose body has a value's length.
func cutResponse(in []byte) (v []byte, whole bool, err error) {
	header, body, whole := bytes.Cut(in, []byte("\r\n\r\n"))
	switch size := len(value(0)); {
	case !whole:
		return nil, false, nil
	case !bytes.HasPrefix(header, []byte("HTTP/1.1 200 ")), !bytes.Contains(header, hasLength):
		return nil, true, fmt.Errorf("reply %q", in)
	case len(body) < size:
		return nil, false, nil
	default:
		return body[:size], true, nothing(body[size:])
	}
}

// hasLength is in the header of a right answer.
var hasLength = fmt.Appendf(nil, "\r\nContent-Length: %d", len(value(0)))

// nothing reports bytes behind a reply, before the next request.
func nothing(rest []byte) error {
	if len(rest) > 0 {
		return fmt.Errorf("behind a reply came %q", rest)
	}
	return nil
}
