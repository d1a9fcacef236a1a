package main

import (
	"context"
	"net"
	"sync/atomic"

	"github.com/valet-go/valet/cmd/demo/sequence"
	"github.com/valet-go/valet/fakesock"
)

// dialer is what both drivers dial with: fakesock's dialer, whose connections
// it counts, and records if trace is set.
type dialer struct {
	fakesock.Dialer
	trace *sequence.Recorder // nil: the driver gets the bare connection

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
	return d.trace.Conn(f), nil
}
