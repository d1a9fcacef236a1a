package bus

import (
	"context"
	"crypto/tls"
	"net"
	"time"

	"github.com/valet-go/valet/fakesock"
)

const (
	// connectTimeout bounds Open.
	connectTimeout = 10 * time.Second
	// dialTimeout bounds one dial, with its TLS.
	dialTimeout = 3 * time.Second
)

// dialer dials for a client. The end of life ends its dials: neither client can
// stop those by which it connects again, and both hold a lock that their Close
// needs meanwhile.
type dialer struct {
	sock   fakesock.Dialer
	life   context.Context
	tls    *tls.Config // for a client that does not do TLS over dialers; or nil
	dialed func(net.Conn)
}

// DialContext is go-redis's hook.
func (d *dialer) DialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	defer context.AfterFunc(d.life, cancel)()
	c, err := d.sock.DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	d.dialed(c)
	if d.tls == nil {
		return c, nil
	}
	secure := tls.Client(c, d.tls)
	if err := secure.HandshakeContext(ctx); err != nil {
		c.Close()
		return nil, err
	}
	return secure, nil
}

// Dial is nats.go's hook.
func (d *dialer) Dial(network, addr string) (net.Conn, error) {
	return d.DialContext(d.life, network, addr)
}
