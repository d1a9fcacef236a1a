package mongo

import (
	"context"
	"net"
	"sync"

	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// ReadAhead returns a dialer of d's connections that read up to 4 KiB of what has
// come at once. The driver reads the four bytes of a reply's length by
// themselves, and then the rest: two system calls for each reply that are not
// needed, one of them to learn that there is nothing more. It is what Open uses,
// with [fakesock.Dialer], and for those who set a dialer of their own.
func ReadAhead(d options.ContextDialer) options.ContextDialer { return readAhead{d} }

type readAhead struct{ options.ContextDialer }

func (d readAhead) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	c, err := d.ContextDialer.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return &aheadConn{Conn: c}, nil
}

// aheadBytes is enough for the replies that are many.
const aheadBytes = 4 << 10

// aheadConn has what Read has read and not returned yet.
type aheadConn struct {
	net.Conn

	mu       sync.Mutex // guards what follows
	from, to int        // of buf
	buf      [aheadBytes]byte
}

func (c *aheadConn) Read(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.from == c.to {
		if len(p) == 0 || len(p) >= len(c.buf) {
			return c.Conn.Read(p)
		}
		n, err := c.Conn.Read(c.buf[:])
		c.from, c.to = 0, n
		if n == 0 {
			return 0, err
		} // an error that came with bytes will come again
	}
	n := copy(p, c.buf[c.from:c.to])
	c.from += n
	return n, nil
}
