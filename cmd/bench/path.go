package main

import (
	"context"
	"fmt"
	"net"
	"time"

	"github.com/valet-go/valet/fakesock"
	"github.com/valet-go/valet/loop"
)

// path is one way to run a driver.
type path struct {
	looped bool // callbacks on a loop
	fake   bool // the driver's connections are fake sockets
	// start begins the first operation of every lane and returns. Afterwards
	// each lane goes on until the meter ends it. l is nil without a loop. stop
	// is called once all lanes have ended.
	start func(ctx context.Context, l *loop.Loop, s *session, m *meter, sp spec) (stop func(), err error)
}

var paths = map[string]path{
	"native":  {start: startGoroutines},
	"pool":    {start: startPool, looped: true},
	"adapter": {start: startCalls, looped: true},
	"sock":    {start: startGoroutines, fake: true},
	"valet":   {start: startCalls, looped: true, fake: true},
}

var pathNames = []string{"native", "pool", "adapter", "sock", "valet"}

// The settings of every path's dialer.
const (
	dialTimeout = 10 * time.Second
	keepAlive   = 5 * time.Minute
)

// dialer is what the path's connections are made with.
func (p path) dialer(l *loop.Loop) dialFunc {
	native := net.Dialer{Timeout: dialTimeout, KeepAlive: keepAlive}
	if p.fake {
		return (&fakesock.Dialer{Dialer: native, Loop: l}).DialContext
	}
	return native.DialContext
}

// connect returns what makes a path's connections, and the loop that it needs,
// if any, which stop ends.
func connect(ctx context.Context, name string) (dial dialFunc, l *loop.Loop, stop func(), err error) {
	p, stop := paths[name], func() {}
	if p.looped || p.fake {
		if l, err = loop.Start(ctx); err != nil {
			return nil, nil, nil, err
		}
		stop = func() { l.Close() }
	}
	return p.dialer(l), l, stop, nil
}

// perRequest reports whether each request is to have a context that can end.
func (sp spec) perRequest() bool { return sp.Contexts == "request" }

// requestContext returns the context of one request, and what to call when that has
// ended: nothing to speak of, or what a server does that can cancel each one of
// its requests. A call of the adapter can be cancelled as it is.
func requestContext(ctx context.Context, own bool) (_ context.Context, done func()) {
	if own {
		return context.WithCancel(ctx)
	}
	return context.Background(), func() {}
}

// runLoad measures a driver on one path in this process.
func runLoad(ctx context.Context, d driver, sp spec) (sample, error) {
	dial, l, end, err := connect(ctx, sp.Path)
	if err != nil {
		return sample{}, err
	}
	defer end()
	s, err := d.open(ctx, sp.Target, sp, dial)
	if err != nil {
		return sample{}, err
	}
	defer s.close()
	if err := warm(ctx, s, sp.Conns); err != nil {
		return sample{}, fmt.Errorf("before the measurement: %w", err)
	}
	m := newMeter(sp.Inflight, value)
	stop, err := paths[sp.Path].start(ctx, l, s, m, sp)
	if err != nil {
		return sample{}, err
	}
	w, err := m.measure(ctx, sp.Warmup, lasting(sp.Duration), func() (func(), error) { return profileCPU(sp.Profile) })
	if err != nil {
		return sample{}, err
	}
	stop()
	return m.sample(w), nil
}

// warm uses as many operations at a time as there are connections, so that the
// driver's pool is full, and statements are prepared on each connection, before
// the clock starts.
func warm(ctx context.Context, s *session, conns int) error {
	m := newMeter(conns, value)
	for i := range conns {
		go func() {
			for range 3 {
				got, err := s.read(ctx, i%keys)
				if !m.end(i, got, err) {
					return
				}
			}
			m.running.Done()
		}()
	}
	m.running.Wait()
	return m.err()
}
