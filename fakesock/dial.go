package fakesock

import (
	"context"
	"errors"
	"net"

	"github.com/valet-go/valet/internal/owner"
	"github.com/valet-go/valet/loop"
)

// Dialer is a [net.Dialer], all of whose fields work, that returns connections
// on a loop. Copy it before first use or use it by pointer; its Dial and
// DialContext may then be called from any goroutine but a loop's, and block
// until the connection stands.
type Dialer struct {
	net.Dialer

	// Loop does the waiting of the connections; it must be set.
	Loop *loop.Loop
}

var errNoLoop = errors.New("fakesock: Dialer.Loop is nil; set it to the loop that shall serve the connections")

// Dial is [Dialer.DialContext] without a context.
func (d *Dialer) Dial(network, address string) (net.Conn, error) {
	return d.DialContext(context.Background(), network, address)
}

// DialContext connects like [net.Dialer.DialContext], whose errors it returns,
// and puts the connection on the loop: for TCP and unix stream sockets the
// result is a [*Conn]. On the goroutine of a loop or front end it fails with
// [loop.ErrWouldBlockLoop], on a closed loop with [loop.ErrClosed]; without a
// Loop it always fails.
func (d *Dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	switch {
	case d.Loop == nil:
		return nil, &net.OpError{Op: "dial", Net: network, Err: errNoLoop}
	case owner.Here():
		return nil, &net.OpError{Op: "dial", Net: network, Err: loop.ErrWouldBlockLoop}
	}
	nc, err := d.Dialer.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	if !wrappable(nc) {
		return nc, nil
	}
	c, err := wrap(d.Loop, nc, network)
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: network, Addr: nc.RemoteAddr(), Err: err}
	}
	if err := ctx.Err(); err != nil {
		c.Close()
		return nil, &net.OpError{Op: "dial", Net: network, Addr: nc.RemoteAddr(), Err: err}
	}
	return c, nil
}

// wrappable reports whether c is a stream socket of package net.
func wrappable(c net.Conn) bool {
	switch c := c.(type) {
	case *net.TCPConn:
		return true
	case *net.UnixConn:
		return c.LocalAddr().Network() == "unix"
	}
	return false
}
