package httploop

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/valet-go/valet/adapter"
	"github.com/valet-go/valet/internal/frontendtest"
	"github.com/valet-go/valet/internal/rawhttp"
	"github.com/valet-go/valet/loop"
)

// TestLongPolls makes a thousand clients wait, and frees them at once.
func TestLongPolls(t *testing.T) {
	onHosts(t, func(t *testing.T, serve func(*testing.T, *Server) net.Addr) {
		const clients = 1000
		var mu sync.Mutex // the host may have several loops
		var held []*Exchange
		full := make(chan struct{})
		a := serve(t, &Server{Handler: func(x *Exchange) {
			x.OnGone(func() { t.Error("a client that waits is gone") })
			mu.Lock()
			defer mu.Unlock()
			if held = append(held, x); len(held) == clients {
				close(full)
			}
		}})
		var all []*rawhttp.Client
		for range clients {
			b := rawhttp.Dial(t, a)
			b.Get("/wait")
			all = append(all, b)
		}
		frontendtest.Await(t, "all clients", full)
		for _, x := range held {
			if err := x.Post(func() { x.Text(200, "news") }); err != nil {
				t.Fatal(err)
			}
		}
		for _, b := range all {
			b.Want(200, "news")
			b.Close()
		}
	})
}

// TestStress has many clients that send requests of every kind, in pieces, by
// the pipeline, which are answered at once, or later from an adapter's calls, and
// which leave in the midst of it.
func TestStress(t *testing.T) {
	l, err := loop.Start(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	a := adapter.New(l)
	defer a.Close(context.Background())
	onHosts(t, func(t *testing.T, serve func(*testing.T, *Server) net.Addr) {
		var handled, answered, gone atomic.Int64
		addr := serve(t, &Server{MaxPipelined: 5, MaxBody: 1 << 16, Handler: func(x *Exchange) {
			handled.Add(1)
			path := string(x.Request().URI().Path())
			body := string(x.Request().Body())
			switch path[1] {
			case 'n': // now
				x.Text(200, path+body)
				answered.Add(1)
			case 'l': // later
				adapter.Go(context.Background(), a.On(executor{x}), func(context.Context) (string, error) { return path + body, nil },
					func(s string, err error) {
						if err != nil {
							t.Error(err)
						}
						x.Text(200, s)
						answered.Add(1)
					})
			case 'w': // if it still waits
				left := false
				x.OnGone(func() {
					left = true
					gone.Add(1)
				})
				adapter.Go(context.Background(), a.On(executor{x}), func(context.Context) (string, error) { return path + body, nil },
					func(s string, _ error) {
						if !left {
							x.Text(200, s)
							answered.Add(1)
						}
					})
			}
		}})
		rng := seeded(t)
		var wg sync.WaitGroup
		for i := range 40 {
			r := rand.New(rand.NewPCG(rng.Uint64(), uint64(i)))
			wg.Go(func() {
				for range 10 {
					visit(t, addr, r)
				}
			})
		}
		wg.Wait()
		deadline := time.Now().Add(frontendtest.Patience)
		for answered.Load()+gone.Load() != handled.Load() {
			if time.Now().After(deadline) {
				t.Fatalf("handled %d, answered %d, gone %d", handled.Load(), answered.Load(), gone.Load())
			}
			time.Sleep(time.Millisecond)
		}
		t.Logf("handled %d, answered %d, gone %d", handled.Load(), answered.Load(), gone.Load())
	})
}

// executor is an Exchange without its context, whose end would cancel calls.
type executor struct{ loop.Executor }

// visit is a client from beginning to end.
func visit(t *testing.T, addr net.Addr, r *rand.Rand) {
	c, err := net.Dial(addr.Network(), addr.String())
	if err != nil {
		t.Error(err)
		return
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(frontendtest.Patience)) // never fails on a socket
	var in strings.Builder
	var want []string
	for i := range 1 + r.IntN(12) {
		path := fmt.Sprintf("/%c%d", "nlw"[r.IntN(3)], i)
		body := strings.Repeat(strconv.Itoa(i), r.IntN(3)*r.IntN(2000))
		want = append(want, path+body)
		switch r.IntN(2) {
		case 0:
			fmt.Fprintf(&in, "POST %s HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%s", path, len(body), body)
		case 1:
			fmt.Fprintf(&in, "POST %s HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", path)
			for len(body) > 0 {
				n := 1 + r.IntN(len(body))
				fmt.Fprintf(&in, "%x\r\n%s\r\n", n, body[:n])
				body = body[n:]
			}
			in.WriteString("0\r\n\r\n")
		}
	}
	leaves := r.IntN(4) == 0
	sent := make(chan struct{})
	pieces := rand.New(rand.NewPCG(r.Uint64(), 1))
	go func() {
		defer close(sent)
		for rest := in.String(); len(rest) > 0; {
			n := min(1+pieces.IntN(4000), len(rest))
			if _, err := c.Write([]byte(rest[:n])); err != nil {
				if !leaves {
					t.Error(err)
				}
				return
			}
			rest = rest[n:]
			if leaves && pieces.IntN(4) == 0 {
				c.Close()
				return
			}
		}
	}()
	answers := bufio.NewReader(c)
	for _, w := range want {
		res, err := http.ReadResponse(answers, nil)
		var body strings.Builder
		if err == nil {
			_, err = io.Copy(&body, res.Body)
		}
		if err != nil {
			if !leaves {
				t.Error(err)
			}
			break
		}
		if body.String() != w {
			t.Errorf("got %.40q; want %.40q", body.String(), w)
			break
		}
	}
	c.Close()
	<-sent
}
