package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"net"
	"os"
)

// ownSetup is what the process of one of our own servers is told.
type ownSetup struct {
	CertFile, KeyFile string // empty without TLS
	Buffer            int    // of the bulk server
}

func (echoDriver) serve(ctx context.Context, env *environment) (*server, error) {
	return serveSelf(ctx, env, roleEcho)
}

// serveSelf starts this binary in a role that serves.
func serveSelf(ctx context.Context, env *environment, role string) (*server, error) {
	setup := ownSetup{Buffer: env.buffer}
	if env.cert != nil {
		setup.CertFile, setup.KeyFile = env.cert.certFile, env.cert.keyFile
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return serveInChild(ctx, env, self, role, setup)
}

// serveInChild starts a program in a role that serves, and waits for its
// address.
func serveInChild(ctx context.Context, env *environment, program, role string, in any) (*server, error) {
	p, err := startRole(ctx, program, role, in, nil)
	if err != nil {
		return nil, err
	}
	var addr string
	if err := p.receive(ctx, &addr); err != nil {
		p.stop()
		return nil, err
	}
	return &server{at: env.at(addr), stop: p.stop}, nil
}

// echoRole returns what each connection sends.
func echoRole(_ context.Context, in json.RawMessage, ready func(any) error) error {
	return serveConnections(in, ready, func(c net.Conn, _ ownSetup) { echoConnection(c) })
}

// serveConnections runs serve, which closes the connection, on a goroutine for
// each connection, until the process ends.
func serveConnections(in json.RawMessage, ready func(any) error, serve func(net.Conn, ownSetup)) error {
	var setup ownSetup
	if err := json.Unmarshal(in, &setup); err != nil {
		return err
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer ln.Close()
	addr := ln.Addr().String()
	if setup.CertFile != "" {
		cert, err := tls.LoadX509KeyPair(setup.CertFile, setup.KeyFile)
		if err != nil {
			return err
		}
		ln = tls.NewListener(ln, &tls.Config{Certificates: []tls.Certificate{cert}})
	}
	if err := ready(addr); err != nil {
		return err
	}
	for {
		c, err := ln.Accept()
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil {
			return err
		}
		go serve(c, setup)
	}
}

func echoConnection(c net.Conn) {
	defer c.Close()
	buf := make([]byte, 4096)
	for {
		n, err := c.Read(buf)
		if err != nil {
			return
		}
		if _, err := c.Write(buf[:n]); err != nil {
			return
		}
	}
}
