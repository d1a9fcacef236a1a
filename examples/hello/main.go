// Command hello runs an unmodified, blocking Redis client under callbacks on an
// event loop. It brings a small Redis of its own, so nothing has to be running:
//
//	go run ./examples/hello
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/valet-go/valet/adapter"
	"github.com/valet-go/valet/fakesock"
	"github.com/valet-go/valet/loop"
)

func main() {
	if err := run(os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "hello:", err)
		os.Exit(1)
	}
}

func run(w io.Writer) error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	server, err := miniredis.Run()
	if err != nil {
		return err
	}
	defer server.Close()
	l, err := loop.Start(ctx) // one loop, on a goroutine of its own
	if err != nil {
		return err
	}
	defer l.Close()

	// The driver is told to dial with Valet's dialer, which makes its sockets
	// wait on the loop: that is all that the driver ever notices.
	dialer := &fakesock.Dialer{Loop: l}
	rdb := redis.NewClient(&redis.Options{Addr: server.Addr(), Dialer: dialer.DialContext, PoolSize: adapter.DefaultSlots})
	defer rdb.Close()
	a := adapter.New(l)
	defer a.Close(ctx)

	// All callbacks run on the loop, one after another, so that what they share,
	// such as answered, needs no lock. done gets the end of the story.
	answered, done := 0, make(chan error, 1)
	get := func(ctx context.Context) (string, error) { return rdb.Get(ctx, "greeting").Result() }

	// Last: the driver's own error reaches the callback unchanged.
	fail := func() {
		adapter.Go(ctx, a, func(ctx context.Context) (int64, error) {
			return rdb.Incr(ctx, "greeting").Result() // it is not a number
		}, func(_ int64, err error) {
			fmt.Fprintf(w, "INCR greeting: %v (the driver's own error)\n", err)
			done <- nil
		})
	}
	// Then: many at once. Starting a call never blocks the loop.
	getMany := func(n int) {
		started, failed := time.Now(), 0
		for range n {
			adapter.Go(ctx, a, get, func(value string, err error) {
				if err != nil {
					failed++
				}
				if answered++; answered == n { // the last one
					fmt.Fprintf(w, "GET greeting: %d answers, %d errors, in %s: %q\n", n, failed, time.Since(started), value)
					fail()
				}
			})
		}
		fmt.Fprintf(w, "%d GETs started in %s; %d answered so far\n", n, time.Since(started), answered)
	}
	// First: a body that blocks, as drivers do, and a callback.
	adapter.Go(ctx, a, func(ctx context.Context) (string, error) {
		return rdb.Set(ctx, "greeting", "hello from the loop", 0).Result()
	}, func(reply string, err error) {
		if err != nil {
			done <- err
			return
		}
		fmt.Fprintf(w, "SET greeting: %s (callback on the loop: %t)\n", reply, l.OnLoop())
		getMany(100)
	})
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}
