package main

import (
	"context"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/valet-go/valet/fakesock"
	"github.com/valet-go/valet/internal/gid"
)

// dialer is what both drivers dial with: fakesock's dialer, whose connections
// it counts, and records if trace is set.
type dialer struct {
	fakesock.Dialer
	trace *trace // nil: the driver gets the bare connection

	fake   atomic.Int64 // connections that were *fakesock.Conn
	others atomic.Int64
}

// DialContext is called by the drivers, on goroutines of theirs.
func (d *dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	c, err := d.Dialer.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	f, ok := c.(*fakesock.Conn)
	if !ok {
		d.others.Add(1)
		return c, nil
	}
	d.fake.Add(1)
	if d.trace == nil {
		return f, nil
	}
	return &tracedConn{f, d.trace}, nil
}

// tracedConn is a fake socket that notes what the driver asks of it.
type tracedConn struct {
	*fakesock.Conn
	trace *trace
}

func (c *tracedConn) Read(p []byte) (int, error) {
	c.trace.note(readCalled, len(p))
	n, err := c.Conn.Read(p)
	c.trace.note(readReturned, n)
	return n, err
}

func (c *tracedConn) Write(p []byte) (int, error) {
	c.trace.note(writeCalled, len(p))
	n, err := c.Conn.Write(p)
	c.trace.note(writeReturned, n)
	return n, err
}

// moment is something that happens in the life of a call.
type moment int

const (
	handlerStarts moment = iota
	startReturned
	otherCallback
	bodyBegins
	messageBuilt
	writeCalled
	writeReturned
	readCalled
	readReturned
	bodyEnds
	calledBack
)

// event is a moment with its circumstances.
type event struct {
	what moment
	at   time.Time
	on   uintptr // the goroutine, as package gid knows it
	n    int     // bytes, for reads and writes
}

// trace records events between start and stop. Any goroutine may call its
// methods. When it is off, noting costs an atomic load.
type trace struct {
	on atomic.Bool

	mu     sync.Mutex
	events []event // guarded by mu
}

func (t *trace) start() { t.on.Store(true) }

// stop ends the recording and returns it in order of time.
func (t *trace) stop() []event {
	t.on.Store(false)
	t.mu.Lock()
	defer t.mu.Unlock()
	slices.SortStableFunc(t.events, func(a, b event) int { return a.at.Compare(b.at) })
	return t.events
}

func (t *trace) note(what moment, n int) {
	if !t.on.Load() {
		return
	}
	e := event{what: what, at: time.Now(), on: gid.Current(), n: n}
	t.mu.Lock()
	t.events = append(t.events, e)
	t.mu.Unlock()
}
