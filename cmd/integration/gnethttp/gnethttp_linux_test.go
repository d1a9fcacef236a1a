// Package gnethttp tests httploop on gnet: of the two modules neither is to
// require the other.
package gnethttp

import (
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/valet-go/valet/internal/frontendtest"
	"github.com/valet-go/valet/internal/leaktest"
	"github.com/valet-go/valet/internal/rawhttp"
	"github.com/valet-go/valet/loop/gnetloop"
	"github.com/valet-go/valet/loop/httploop"
)

func TestMain(m *testing.M) {
	// The pool that gnet starts in an init function and never stops.
	leaktest.Main(m,
		goleak.IgnoreTopFunction("github.com/panjf2000/ants/v2.(*poolCommon).purgeStaleWorkers"),
		goleak.IgnoreTopFunction("github.com/panjf2000/ants/v2.(*poolCommon).ticktock"))
}

// serve returns where s is served, and what is told of each connection that has
// ended.
func serve(t *testing.T, loops int, s *httploop.Server) (net.Addr, <-chan struct{}) {
	t.Helper()
	ready := make(chan []net.Addr, 1)
	closed := make(chan struct{}, 100)
	g := &gnetloop.Server{
		Loops:  loops,
		Logger: slog.New(slog.DiscardHandler),
		Ready:  func(addrs []net.Addr) { ready <- addrs },
		PanicHandler: func(v any, stack []byte) {
			t.Errorf("a panic reached the host: %v\n%s", v, stack)
		},
		Grace:  -1,
		Opened: func(c *gnetloop.Conn) { s.Opened(c) },
		Data:   func(c *gnetloop.Conn, in []byte) { s.Data(c, in) },
		EOF:    func(c *gnetloop.Conn) { s.EOF(c) },
		Closed: func(c *gnetloop.Conn, _ error) {
			s.Closed(c)
			closed <- struct{}{}
		},
	}
	a, _ := frontendtest.Start(t, g.Serve, ready)
	return a, closed
}

func onGnet(t *testing.T, test func(t *testing.T, loops int)) {
	for _, loops := range []int{1, 4} {
		t.Run(fmt.Sprintf("%d loops", loops), func(t *testing.T) { test(t, loops) })
	}
}

// TestServe has clients that wait, by the pipeline, for what one more client
// says, and are held up by the number of their requests.
func TestServe(t *testing.T) {
	onGnet(t, func(t *testing.T, loops int) {
		var mu sync.Mutex
		var held []*httploop.Exchange
		came := make(chan struct{}, 100)
		a, _ := serve(t, loops, &httploop.Server{MaxPipelined: 3, Handler: func(x *httploop.Exchange) {
			if string(x.Request().URI().Path()) == "/wait" {
				mu.Lock()
				held = append(held, x)
				mu.Unlock()
				came <- struct{}{}
				return
			}
			x.Text(200, string(x.Request().Body()))
		}})
		const clients, each = 20, 6
		var all []*rawhttp.Client
		for range clients {
			b := rawhttp.Dial(t, a)
			for range each {
				b.Get("/wait")
			}
			all = append(all, b)
		}
		for range clients * each {
			frontendtest.Await(t, "a request", came)
			mu.Lock()
			x := held[len(held)-1]
			held = held[:len(held)-1]
			mu.Unlock()
			if err := x.Post(func() { x.Text(200, "news") }); err != nil {
				t.Fatal(err)
			}
		}
		for _, b := range all {
			for range each {
				b.Want(200, "news")
			}
			b.Send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")
			b.Want(200, "abc")
			b.Send("what?\r\n\r\n")
			b.Want(400, "")
		}
	})
}

func TestSlowReader(t *testing.T) {
	onGnet(t, func(t *testing.T, loops int) {
		body := strings.Repeat("0123456789abcdef", 1<<16)
		a, _ := serve(t, loops, &httploop.Server{Handler: func(x *httploop.Exchange) { x.Text(200, body) }})
		b := rawhttp.Dial(t, a)
		const all = 32
		for range all {
			b.Get("/")
		}
		for range all {
			b.Want(200, body)
		}
	})
}

func TestUnread(t *testing.T) {
	onGnet(t, func(t *testing.T, loops int) {
		const much = 8 << 20
		a, closed := serve(t, loops, &httploop.Server{
			BodyTimeout: 60 * time.Millisecond, // what is waited for is that it ends
			Handler:     func(x *httploop.Exchange) { x.Send(200, "", make([]byte, much)) },
		})
		for _, end := range []string{"", "Connection: close\r\n"} {
			b := rawhttp.Dial(t, a)
			b.Send("GET / HTTP/1.1\r\nHost: a\r\n%s\r\n", end)
			frontendtest.Await(t, "the end of a connection that is not read from", closed)
			if n, _ := io.Copy(io.Discard, b); n >= much {
				t.Error("all was sent")
			}
		}
	})
}

func TestGone(t *testing.T) {
	onGnet(t, func(t *testing.T, loops int) {
		came, gone := make(chan struct{}, 1), make(chan struct{}, 1)
		a, _ := serve(t, loops, &httploop.Server{Handler: func(x *httploop.Exchange) {
			x.OnGone(func() {
				x.Text(200, "to nobody")
				gone <- struct{}{}
			})
			came <- struct{}{}
		}})
		for _, leave := range []func(*rawhttp.Client){(*rawhttp.Client).Reset, (*rawhttp.Client).HalfClose} {
			b := rawhttp.Dial(t, a)
			b.Get("/")
			frontendtest.Await(t, "the request", came)
			leave(b)
			frontendtest.Await(t, "OnGone", gone)
		}
	})
}
