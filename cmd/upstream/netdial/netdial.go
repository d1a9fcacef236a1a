// Package netdial stands in for package net where a driver, or a test of it, names
// net.Dialer: its Dialer makes connections over the fake socket.
//
// Command upstream copies it beside its copy of a driver, as it does with package
// dialer. So it may import nothing but that package.
package netdial

import (
	"context"
	"net"
	"time"

	"github.com/valet-go/valet/cmd/upstream/dialer"
)

// Dialer stands for [net.Dialer], with as many of its fields as are used. Any
// goroutine but a loop's may use it; it blocks until the connection stands.
type Dialer struct {
	Timeout time.Duration // zero: the context's alone
}

// DialContext dials with the one dialer that the program has.
func (d *Dialer) DialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	if d.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, d.Timeout)
		defer cancel()
	}
	return dialer.DialContext(ctx, network, addr)
}
