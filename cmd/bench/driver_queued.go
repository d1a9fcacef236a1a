package main

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/valet-go/valet/adapter"
	"github.com/valet-go/valet/loop"
)

// queuedCalls is what a call holds while it waits for one of -conns slots, all
// of which are taken by bodies that block. Afterwards every call has to call
// back, once.
func queuedCalls() measure {
	return measure{
		peer:     nobody{},
		paths:    []string{"native", "adapter"},
		uses:     []string{"conns", "inflight"},
		defaults: map[string]string{"path": "native,adapter", "conns": "64", "inflight": "1000000"},
		unit:     "call",
		columns:  memoryOf("call"),
		ratios:   []figure{heapAndStack, allMemory},
		about: func(_ config, c cell) string {
			return fmt.Sprintf("%d calls waiting for %d slots, bytes for each", c.inflight, c.conns)
		},
		run: runQueued,
	}
}

// gate lets as many calls run as it has slots, and makes the others wait.
type gate struct {
	start   func(ctx context.Context, body func(context.Context) (int, error), cb func(int, error))
	waiting func() int // calls that wait now
	close   func()     // once all have called back
}

var gates = map[string]func(ctx context.Context, slots, queue int) (gate, error){
	"native":  semaphoreGate,
	"adapter": adapterGate,
}

// semaphoreGate is a goroutine for each call, which waits for a place in a
// channel: of all that goroutines can wait for, what takes least.
func semaphoreGate(_ context.Context, slots, _ int) (gate, error) {
	places := make(chan struct{}, slots)
	var arrived, entered atomic.Int64
	request := func(ctx context.Context, body func(context.Context) (int, error), cb func(int, error)) {
		arrived.Add(1)
		places <- struct{}{}
		entered.Add(1)
		got, err := body(ctx)
		<-places
		cb(got, err)
	}
	return gate{
		start: func(ctx context.Context, body func(context.Context) (int, error), cb func(int, error)) {
			go request(ctx, body, cb)
		},
		waiting: func() int { return int(arrived.Load() - entered.Load()) },
		close:   func() {},
	}, nil
}

// adapterGate is a backend of our adapter with callbacks on a loop.
func adapterGate(ctx context.Context, slots, queue int) (gate, error) {
	l, err := loop.Start(ctx)
	if err != nil {
		return gate{}, err
	}
	a := adapter.New(l, adapter.WithSlots(slots), adapter.WithQueue(queue))
	return gate{
		start: func(ctx context.Context, body func(context.Context) (int, error), cb func(int, error)) {
			adapter.Go(ctx, a, body, cb)
		},
		waiting: func() int { return a.Stats().Waiting },
		close: func() {
			ctx, cancel := context.WithTimeout(context.Background(), drainTimeout)
			defer cancel()
			a.Close(ctx)
			l.Close()
		},
	}, nil
}

func runQueued(ctx context.Context, sp spec) (sample, error) {
	g, err := gates[sp.Path](ctx, sp.Conns, sp.Inflight)
	if err != nil {
		return sample{}, err
	}
	c := newCalls(sp.Conns + sp.Inflight)
	s, err := fillQueue(ctx, g, c, sp)
	close(c.released)
	if err == nil {
		err = reach(ctx, "callbacks came", len(c.came), func() int { return int(c.all.Load()) })
	}
	g.close()
	if err == nil {
		err = c.once()
	}
	return s, errors.Join(err, c.failure())
}

// fillQueue takes all slots, and measures what the calls hold that come after.
func fillQueue(ctx context.Context, g gate, c *calls, sp spec) (sample, error) {
	for key := range sp.Conns {
		g.start(ctx, c.body(key), c.callback(key))
	}
	if err := reach(ctx, "slots are taken", sp.Conns, func() int { return int(c.running.Load()) }); err != nil {
		return sample{}, err
	}
	before := settled()
	for key := sp.Conns; key < len(c.came); key++ {
		g.start(ctx, c.body(key), c.callback(key))
	}
	if err := reach(ctx, "calls wait", sp.Inflight, g.waiting); err != nil {
		return sample{}, err
	}
	return grown(before, settled(), sp.Inflight), nil
}

// reach waits until as many as wanted are there.
func reach(ctx context.Context, what string, want int, count func() int) error {
	limit := time.Now().Add(drainTimeout)
	for {
		n := count()
		if n == want {
			return nil
		}
		if n > want || time.Now().After(limit) {
			return fmt.Errorf("%d %s instead of %d", n, what, want)
		}
		if err := wait(ctx, time.Millisecond); err != nil {
			return err
		}
	}
}
