package integration

import (
	"context"
	"net"
	"sync"
	"testing"

	"github.com/valet-go/valet/fakesock"
)

// countingDialer keeps what it dialled.
type countingDialer struct {
	d     *fakesock.Dialer
	mu    sync.Mutex // guards conns
	conns []net.Conn
}

func (d *countingDialer) DialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	c, err := d.d.DialContext(ctx, network, addr)
	if err == nil {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.conns = append(d.conns, c)
	}
	return c, err
}

func (d *countingDialer) dialled() []net.Conn {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]net.Conn(nil), d.conns...)
}

// wantFake fails the test unless connections were dialled, and all of them are
// the fake socket's.
func (d *countingDialer) wantFake(t testing.TB) {
	t.Helper()
	conns := d.dialled()
	if len(conns) == 0 {
		t.Error("no connection was dialled")
	}
	for _, c := range conns {
		if _, ok := c.(*fakesock.Conn); !ok {
			t.Errorf("a connection is a %T", c)
		}
	}
}
