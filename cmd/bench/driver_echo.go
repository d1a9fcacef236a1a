package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
)

// echoDriver writes 64 bytes to a connection and reads them back: what a path
// costs without any driver.
type echoDriver struct{}

// echoConn is a connection with a buffer for its reply.
type echoConn struct {
	net.Conn
	buf [64]byte
}

// exchange writes the value of a key and returns what came back.
func (c *echoConn) exchange(key int) (string, error) {
	want := value(key)
	if _, err := c.Write(echoMessages[key]); err != nil {
		return "", err
	}
	if _, err := io.ReadFull(c, c.buf[:]); err != nil {
		return "", err
	}
	if string(c.buf[:]) == want {
		return want, nil // without a copy
	}
	return string(c.buf[:]), nil
}

// echoMessages are the values as Write wants them.
var echoMessages = func() (m [keys][]byte) {
	for i := range m {
		m[i] = []byte(value(i))
	}
	return m
}()

func (echoDriver) open(ctx context.Context, at target, sp spec, dial dialFunc) (*session, error) {
	cfg, err := at.tlsConfig(hostOf(at.Addr))
	if err != nil {
		return nil, err
	}
	dial = overTLS(dial, cfg)
	conns := make([]*echoConn, 0, sp.Conns)
	free := make(chan *echoConn, sp.Conns)
	s := &session{
		read: func(_ context.Context, key int) (string, error) {
			c := <-free
			got, err := c.exchange(key)
			free <- c
			return got, err
		},
		close: func() error {
			var errs []error
			for _, c := range conns {
				errs = append(errs, c.Close())
			}
			return errors.Join(errs...)
		},
	}
	for range sp.Conns {
		c, err := dial(ctx, "tcp", at.Addr)
		if err != nil {
			s.close()
			return nil, err
		}
		conns = append(conns, &echoConn{Conn: c})
		free <- conns[len(conns)-1]
	}
	if sp.Inflight <= sp.Conns {
		apart := sp.Conns / sp.Inflight // the lanes' connections are spread over all
		s.own = func(lane int) (string, error) { return conns[lane*apart].exchange(lane % keys) }
	}
	return s, nil
}

func (d echoDriver) prepare(ctx context.Context, at target) (func(), error) {
	s, err := d.open(ctx, at, spec{Conns: 1, Inflight: 1}, new(net.Dialer).DialContext)
	if err != nil {
		return nil, fmt.Errorf("echo server at %s: %w", at.Addr, err)
	}
	defer s.close()
	got, err := s.read(ctx, 0)
	if err == nil && got != value(0) {
		err = fmt.Errorf("it answered %q", got)
	}
	if err != nil {
		return nil, fmt.Errorf("no echo server at %s: %w", at.Addr, err)
	}
	return func() {}, nil
}
