package main

import (
	"context"

	"github.com/valet-go/valet/adapter"
	"github.com/valet-go/valet/loop"
)

// startCalls runs each request as a call of our adapter whose callback, on the
// loop, starts the next. It serves adapter and valet, which differ in the
// dialer.
func startCalls(ctx context.Context, l *loop.Loop, s *session, m *meter, sp spec) (func(), error) {
	opts := []adapter.Option{adapter.WithSlots(sp.Conns), adapter.WithQueue(sp.Inflight)}
	if !sp.perRequest() {
		// A context that cannot end, for the driver.
		opts = append(opts, adapter.WithCancel(adapter.Abandon))
		ctx = context.WithoutCancel(ctx)
	}
	a := adapter.New(l).Backend(sp.Driver, opts...)
	var typed func(context.Context, int, func(string, error))
	if s.calls != nil {
		typed = s.calls(a)
	}
	for i := range m.lanes {
		key := m.lanes[i].key
		body := func(ctx context.Context) (string, error) { return s.read(ctx, key) }
		var done func(string, error)
		next := func() {
			m.begin(i)
			if typed != nil {
				typed(ctx, key, done)
			} else {
				adapter.Go(ctx, a, body, done)
			}
		}
		done = func(got string, err error) {
			if m.end(i, got, err) {
				next()
			}
		}
		if err := l.Post(next); err != nil {
			return nil, err
		}
	}
	return func() {
		ctx, cancel := context.WithTimeout(context.Background(), drainTimeout)
		defer cancel()
		a.Close(ctx)
	}, nil
}
