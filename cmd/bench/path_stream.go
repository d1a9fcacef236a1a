package main

import (
	"context"

	"github.com/valet-go/valet/loop"
)

// runStreams measures callbacks on the loop's own streams: what a front end
// does, or a client that is written for the loop and needs no driver.
func runStreams(ctx context.Context, sp spec) (sample, error) {
	if sp.Target.TLS || sp.Inflight > sp.Conns {
		return sample{}, usagef("-path stream: it knows no TLS, and needs a connection for each operation in flight")
	}
	l, err := loop.Start(ctx)
	if err != nil {
		return sample{}, err
	}
	defer l.Close() // and with it the streams
	streams, err := dialStreams(ctx, l, sp.Target.Addr, sp.Conns)
	if err != nil {
		return sample{}, err
	}
	m := newMeter(sp.Inflight, value)
	if err := l.Post(func() {
		for i := range m.lanes {
			echoLane(streams[i], m, i)
		}
	}); err != nil {
		return sample{}, err
	}
	w, err := m.measure(ctx, sp.Warmup, lasting(sp.Duration), func() (func(), error) { return profileCPU(sp.Profile) })
	if err != nil {
		return sample{}, err
	}
	return m.sample(w), nil
}

// dialStreams connects n streams.
func dialStreams(ctx context.Context, l *loop.Loop, addr string, n int) ([]*loop.Stream, error) {
	streams := make([]*loop.Stream, n)
	for i := range streams {
		dialled := make(chan error, 1)
		l.Dial(ctx, "tcp", addr, func(s *loop.Stream, err error) {
			streams[i] = s
			dialled <- err
		})
		if err := <-dialled; err != nil {
			return nil, err
		}
	}
	return streams, nil
}

// echoLane runs the operations of a lane, one after another. On the loop.
func echoLane(s *loop.Stream, m *meter, i int) {
	want := value(i % keys)
	var reply func(b []byte, err error)
	request := func() {
		m.begin(i)
		s.Write(echoMessages[i%keys], nil)
		s.ReadBytes(len(want), reply)
	}
	reply = func(b []byte, err error) {
		got := want // without a copy
		if string(b) != want {
			got = string(b)
		}
		if m.end(i, got, err) {
			request()
		}
	}
	request()
}
