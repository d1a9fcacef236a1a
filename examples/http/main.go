// Http serves HTTP on an event loop: each request is counted in Redis, by an
// unmodified, blocking client, and whoever asks for /next waits for the count to
// change. It brings a small Redis of its own, so nothing has to be running:
//
//	go run ./examples/http
//	curl http://127.0.0.1:8080/next    # until, elsewhere:
//	curl http://127.0.0.1:8080/
package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/valet-go/valet/adapter"
	"github.com/valet-go/valet/fakesock"
	"github.com/valet-go/valet/loop"
	"github.com/valet-go/valet/loop/httploop"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Stdout, "127.0.0.1:8080"); err != nil {
		fmt.Fprintln(os.Stderr, "http:", err)
		os.Exit(1)
	}
}

// run serves until ctx ends.
func run(ctx context.Context, w io.Writer, addr string) error {
	server, err := miniredis.Run()
	if err != nil {
		return err
	}
	defer server.Close()
	l, err := loop.Start(context.Background())
	if err != nil {
		return err
	}
	defer l.Close()
	dialer := &fakesock.Dialer{Loop: l}
	rdb := redis.NewClient(&redis.Options{Addr: server.Addr(), Dialer: dialer.DialContext, PoolSize: adapter.DefaultSlots})
	defer rdb.Close()
	a := adapter.New(l)
	defer a.Close(context.Background())

	ln, err := newServer(a, rdb).Listen(l, "tcp", addr)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "http://%s/ counts visits, http://%[1]s/next waits for one\n", ln.Addr())
	<-ctx.Done()
	return nil
}

func newServer(a *adapter.Adapter, rdb *redis.Client) *httploop.Server {
	waiting := map[*httploop.Exchange]bool{}                      // belongs to the loop, and needs no lock
	return &httploop.Server{Handler: func(x *httploop.Exchange) { // on the loop
		if string(x.Request().URI().Path()) == "/next" {
			waiting[x] = true // a long-poll: it costs no goroutine
			x.OnGone(func() { delete(waiting, x) })
			return
		}
		adapter.Go(x.Context(), a.On(x), func(ctx context.Context) (int64, error) {
			return rdb.Incr(ctx, "visits").Result() // may block
		}, func(visits int64, err error) { // on the loop again
			if err != nil {
				x.Error(http.StatusBadGateway, err.Error())
				return
			}
			x.JSON(http.StatusOK, visits)
			for each := range waiting {
				each.JSON(http.StatusOK, visits)
			}
			clear(waiting)
		})
	}}
}
