package adapter_test

import (
	"context"
	"fmt"

	"github.com/valet-go/valet/adapter"
	"github.com/valet-go/valet/loop"
)

// start returns an adapter on a new loop, and what closes both.
func start(opts ...adapter.Option) (*adapter.Adapter, func()) {
	l, err := loop.Start(context.Background())
	if err != nil {
		panic(err)
	}
	a := adapter.New(l, opts...)
	return a, func() {
		if err := a.Close(context.Background()); err != nil {
			panic(err)
		}
		if err := l.Close(); err != nil {
			panic(err)
		}
	}
}

// Replies in the order of the requests, although the first takes longest.
func ExampleWindow() {
	a, stop := start()
	defer stop()
	ctx := context.Background()

	var replies adapter.Window
	slow := make(chan struct{})
	first := adapter.Go(ctx, a, func(context.Context) (string, error) {
		<-slow
		return "first", nil
	}, func(s string, err error) { fmt.Println(s, err) }, adapter.Ordered(&replies))
	second := adapter.Go(ctx, a, func(context.Context) (string, error) {
		close(slow) // they run beside each other
		return "second", nil
	}, func(s string, err error) { fmt.Println(s, err) }, adapter.Ordered(&replies))

	<-first.Done()
	<-second.Done()
	// Output:
	// first <nil>
	// second <nil>
}

func ExampleJoin() {
	a, stop := start()
	defer stop()
	ctx := context.Background()

	var user, hits int // both belong to the loop
	done := make(chan struct{})
	adapter.Join(a, func(err error) {
		fmt.Println(user, hits, err)
		close(done)
	},
		adapter.Go(ctx, a, func(context.Context) (int, error) { return 42, nil }, func(v int, _ error) { user = v }),
		adapter.Go(ctx, a, func(context.Context) (int, error) { return 7, nil }, func(v int, _ error) { hits = v }),
	)
	<-done
	// Output: 42 7 <nil>
}

// A test runs callbacks itself, one by one, on its own goroutine.
func ExampleManual() {
	a, stop := start()
	defer stop()
	ctx := context.Background()

	m := new(adapter.Manual)
	adapter.Go(ctx, a.On(m), func(context.Context) (int, error) { return 42, nil },
		func(answer int, err error) { fmt.Println(answer, err) })
	if err := m.Wait(ctx); err != nil {
		panic(err)
	}
	fmt.Println("due:", m.Len())
	m.Run()
	// Output:
	// due: 1
	// 42 <nil>
}

// A front end stops reading its clients while too many calls wait.
func ExampleAdapter_OnPressure() {
	a, stop := start(adapter.WithSlots(1), adapter.WithWatermarks(0, 2))
	defer stop()

	reports, slow := make(chan bool, 1), make(chan struct{})
	defer a.OnPressure(func(high bool) { reports <- high })()
	for range 3 {
		adapter.Go(context.Background(), a, func(context.Context) (int, error) { <-slow; return 0, nil }, func(int, error) {})
	}
	fmt.Println("stop reading:", <-reports)
	close(slow)
	fmt.Println("stop reading:", <-reports)
	// Output:
	// stop reading: true
	// stop reading: false
}
