// Package dialer is what the own test suites of drivers are made to dial with:
// fakesock's dialer on a loop, which counts.
//
// Command upstream copies it beside its copy of a driver, into a workspace that
// has no other modules than these and the library. So it may import nothing
// else.
package dialer

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"sync"

	"github.com/valet-go/valet/fakesock"
	"github.com/valet-go/valet/loop"
)

// CountsEnv names the folder to which the counts go.
const CountsEnv = "VALET_UPSTREAM_COUNTS"

// Dialer makes connections over the fake socket, and counts. Any goroutine but a
// loop's may use it; it blocks until the connection stands.
type Dialer struct {
	dialer fakesock.Dialer
	counts *counter
}

// New returns a dialer whose connections are on l. The counts go to a file in
// the folder; without a folder, nowhere.
func New(l *loop.Loop, folder string) (*Dialer, error) {
	counts, err := newCounter(folder)
	if err != nil {
		return nil, err
	}
	return &Dialer{dialer: fakesock.Dialer{Loop: l}, counts: counts}, nil
}

// The loop and the dialer live as long as the test program.
var (
	theLoop   = sync.OnceValues(func() (*loop.Loop, error) { return loop.Start(context.Background()) })
	theDialer = sync.OnceValues(func() (*Dialer, error) {
		l, err := theLoop()
		if err != nil {
			return nil, err
		}
		return New(l, os.Getenv(CountsEnv))
	})
)

// Loop is what the one dialer has its connections on. Without it no test can run:
// so it panics. Any goroutine may call it.
func Loop() *loop.Loop {
	l, err := theLoop()
	if err != nil {
		panic(err)
	}
	return l
}

// CountCall counts a call with a callback. Any goroutine may call it.
func CountCall() {
	d, err := theDialer()
	if err != nil {
		panic(err)
	}
	d.counts.calls.Add(1)
}

// DialContext dials with the one dialer that the program has.
func DialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	d, err := theDialer()
	if err != nil {
		return nil, err
	}
	return d.DialContext(ctx, network, addr)
}

// DialContext is [fakesock.Dialer.DialContext], but fails where that would
// return a connection of package net's.
func (d *Dialer) DialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	nc, err := d.dialer.DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	fake, ok := nc.(*fakesock.Conn)
	if !ok {
		nc.Close()
		return nil, fmt.Errorf("upstream: %s %s gave a %T instead of a fake socket", network, addr, nc)
	}
	d.counts.dials.Add(1)
	d.counts.save()
	return &conn{fake, d.counts}, nil
}

// conn has all methods of a fake socket, so that a driver finds what it looks for.
type conn struct {
	*fakesock.Conn
	counts *counter
}

func (c *conn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.counts.read.Add(int64(n))
	return n, err
}

func (c *conn) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	c.counts.written.Add(int64(n))
	return n, err
}

func (c *conn) ReadFrom(r io.Reader) (int64, error) {
	n, err := c.Conn.ReadFrom(r)
	c.counts.written.Add(n)
	return n, err
}

func (c *conn) Close() error {
	err := c.Conn.Close()
	c.counts.save()
	return err
}
