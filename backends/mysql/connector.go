package mysql

import (
	"context"
	"database/sql/driver"
	"net"

	"github.com/go-sql-driver/mysql"

	"github.com/valet-go/valet/fakesock"
	"github.com/valet-go/valet/loop"
)

// NewConnector returns a connector for [database/sql.OpenDB] whose connections
// are on l, for programs that use database/sql themselves. cfg is copied. A
// DialFunc that it has, or a network that was registered with the driver by
// RegisterDialContext, is left alone. In calls with the policy [adapter.Kill]
// what the connections are asked can be killed.
func NewConnector(l *loop.Loop, cfg *Config) (driver.Connector, error) {
	cfg = cfg.Clone()
	if cfg.DialFunc == nil && (cfg.Net == "" || cfg.Net == "tcp" || cfg.Net == "unix") {
		cfg.DialFunc = dialOn(l)
	}
	inner, err := mysql.NewConnector(cfg)
	if err != nil {
		return nil, err
	}
	k, err := newKiller(cfg)
	if err != nil {
		return nil, err
	}
	return &connector{inner, k}, nil
}

// connector is the driver's, but that its connections can be killed.
type connector struct {
	driver.Connector
	killer *killer
}

// Connect is [driver.Connector.Connect].
func (c *connector) Connect(ctx context.Context) (driver.Conn, error) {
	var dialled *greeted
	dc, err := c.Connector.Connect(context.WithValue(ctx, dialledKey{}, &dialled))
	if err != nil {
		return nil, err
	}
	inner, ok := dc.(driverConn)
	if !ok { // of a driver that has changed
		return dc, nil
	}
	wrapped := &conn{driverConn: inner, killer: c.killer}
	if dialled != nil {
		wrapped.id, wrapped.peer = uint64(dialled.greeting.id), dialled.RemoteAddr()
	}
	return wrapped, nil
}

// Keys of the context of a dial.
type (
	dialledKey struct{} // a **greeted: where to put the connection
	peerKey    struct{} // a net.Addr: which server to dial, of several with the same name
)

// dialOn returns a DialFunc whose connections are on l.
func dialOn(l *loop.Loop) func(ctx context.Context, network, addr string) (net.Conn, error) {
	d := &fakesock.Dialer{Loop: l}
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		if peer, ok := ctx.Value(peerKey{}).(net.Addr); ok {
			network, addr = peer.Network(), peer.String()
		}
		nc, err := d.DialContext(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		sock, ok := nc.(*fakesock.Conn)
		to, _ := ctx.Value(dialledKey{}).(**greeted)
		if !ok || to == nil {
			return nc, nil
		}
		*to = &greeted{Conn: sock}
		return *to, nil
	}
}
