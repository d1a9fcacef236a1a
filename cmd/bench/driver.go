package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"

	"github.com/valet-go/valet/adapter"
)

// dialFunc is how a driver's connections come to be: net.Dialer's or
// fakesock.Dialer's DialContext.
type dialFunc func(ctx context.Context, network, address string) (net.Conn, error)

// driver is one of the drivers that can be put under load.
type driver interface {
	peer
	// open makes a client of the driver in the process that is measured.
	open(ctx context.Context, at target, sp spec, dial dialFunc) (*session, error)
}

// target says where a server is and how to reach it.
type target struct {
	Addr string // host:port; a DSN for mysql, a URI for mongo
	TLS  bool
	CA   string // PEM; empty for the system's authorities
	Rows string // of the second server of lag, the MariaDB: host:port
}

// session is an open client of a driver.
type session struct {
	// read does one operation and returns the value of the key. Any goroutine;
	// it blocks.
	read func(ctx context.Context, key int) (string, error)
	// own, if not nil, is read for a lane that has a connection to itself.
	own func(lane int) (string, error)
	// close ends the client.
	close func() error

	// calls, if there is one, starts reads with callbacks by the typed wrapper
	// of the driver, in place of read in a body.
	calls func(a *adapter.Adapter) func(ctx context.Context, key int, cb func(string, error))
}

// server is a private server.
type server struct {
	at   target
	stop func()
}

// value is what is stored under a key: 64 bytes that name it.
func value(key int) string {
	return values[key]
}

var values = func() (v [keys]string) {
	for i := range v {
		v[i] = fmt.Sprintf("value %02d of the benchmark, sixty-four bytes with the padding: ....", i)[:64]
	}
	return v
}()

// tlsConfig is the client's side of TLS, or nil without TLS.
func (t target) tlsConfig(host string) (*tls.Config, error) {
	if !t.TLS {
		return nil, nil
	}
	cfg := &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12}
	if t.CA != "" {
		pool, err := certPool(t.CA)
		if err != nil {
			return nil, err
		}
		cfg.RootCAs = pool
	}
	return cfg, nil
}

// overTLS makes a dialer that does the handshake before it returns, for
// drivers that leave TLS to whoever supplies the dialer. Without TLS it is
// dial itself.
func overTLS(dial dialFunc, cfg *tls.Config) dialFunc {
	if cfg == nil {
		return dial
	}
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		conn := tls.Client(c, cfg)
		if err := conn.HandshakeContext(ctx); err != nil {
			c.Close()
			return nil, fmt.Errorf("TLS handshake with %s: %w", address, err)
		}
		return conn, nil
	}
}

// hostOf is the host of a host:port, for the server name of TLS.
func hostOf(address string) string {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	return host
}
