// Package rawhttp is a client for tests of HTTP servers: it sends what it is
// told to, in pieces and wrong if need be, and reads the answers.
package rawhttp

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"time"
)

// patience is how long a client waits for what must happen before it fails.
const patience = 60 * time.Second

// Client is a connection to a server. What goes wrong ends its test.
type Client struct {
	*net.TCPConn
	t *testing.T
	r *bufio.Reader
}

// Dial connects; the end of the test closes.
func Dial(t *testing.T, a net.Addr) *Client {
	t.Helper()
	c, err := net.Dial(a.Network(), a.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return &Client{c.(*net.TCPConn), t, bufio.NewReader(c)}
}

// Send sends.
func (c *Client) Send(format string, args ...any) {
	c.t.Helper()
	if _, err := fmt.Fprintf(c, format, args...); err != nil {
		c.t.Fatal(err)
	}
}

// Get sends a request without a body.
func (c *Client) Get(path string) {
	c.t.Helper()
	c.Send("GET %s HTTP/1.1\r\nHost: a\r\n\r\n", path)
}

// HalfClose says that nothing more is sent.
func (c *Client) HalfClose() {
	c.t.Helper()
	if err := c.CloseWrite(); err != nil {
		c.t.Fatal(err)
	}
}

// Reset breaks the connection.
func (c *Client) Reset() {
	c.t.Helper()
	if err := c.SetLinger(0); err != nil {
		c.t.Fatal(err)
	}
	c.Close()
}

// Answer is one that was read, with its body.
type Answer struct {
	*http.Response
	Body string
}

// Answer reads the answer to a request with that method.
func (c *Client) Answer(method string) Answer {
	c.t.Helper()
	res, err := http.ReadResponse(c.r, &http.Request{Method: method})
	if err != nil {
		c.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return Answer{res, string(body)}
}

// Want reads an answer and checks it; with a body of "" any will do.
func (c *Client) Want(status int, body string) Answer {
	c.t.Helper()
	got := c.Answer(http.MethodGet)
	if got.StatusCode != status || body != "" && got.Body != body {
		c.t.Fatalf("got %d %.1000q; want %d %.1000q", got.StatusCode, got.Body, status, body)
	}
	return got
}

// WantEnd checks that the server closes the connection, and sends nothing more.
func (c *Client) WantEnd() {
	c.t.Helper()
	rest, err := io.ReadAll(c.r)
	if len(rest) > 0 {
		c.t.Fatalf("still came: %.1000q", rest)
	}
	if e, ok := err.(net.Error); ok && e.Timeout() {
		c.t.Fatal("the connection does not end")
	}
}
