package main

import (
	"context"

	"github.com/valet-go/valet/loop"
)

// startGoroutines runs each request on a goroutine of its own that, when done,
// starts the goroutine of the next: what a server does that has one goroutine
// per request. It serves native and sock, which differ in the dialer.
func startGoroutines(ctx context.Context, _ *loop.Loop, s *session, m *meter, sp spec) (func(), error) {
	perRequest := sp.perRequest()
	for i := range m.lanes {
		if s.own != nil {
			go stayOn(s, m, i)
			continue
		}
		key := m.lanes[i].key
		var request func()
		request = func() {
			ctx, done := requestContext(ctx, perRequest)
			got, err := s.read(ctx, key)
			done()
			if m.end(i, got, err) {
				m.begin(i)
				go request()
			}
		}
		m.begin(i)
		go request()
	}
	return func() {}, nil
}

// stayOn runs all operations of a lane on one goroutine: what a program does
// whose connections have a goroutine each.
func stayOn(s *session, m *meter, i int) {
	for again := true; again; {
		m.begin(i)
		got, err := s.own(i)
		again = m.end(i, got, err)
	}
}
