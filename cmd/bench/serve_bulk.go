package main

import (
	"context"
	"encoding/json"
	"io"
	"net"
)

func (bulkDriver) serve(ctx context.Context, env *environment) (*server, error) {
	return serveSelf(ctx, env, roleBulk)
}

func (bulkDriver) prepare(context.Context, target) (func(), error) { return func() {}, nil }

// bulkRole sends and receives what clients ask for.
func bulkRole(_ context.Context, in json.RawMessage, ready func(any) error) error {
	return serveConnections(in, ready, func(c net.Conn, setup ownSetup) { bulkConnection(c, newPipe(setup.Buffer)) })
}

// bulkConnection serves one transfer after another. What goes wrong closes the
// connection, which the client sees.
func bulkConnection(c net.Conn, p *pipe) {
	defer c.Close()
	for {
		var h bulkHeader
		if _, err := io.ReadFull(c, h[:]); err != nil {
			return
		}
		if h.in() {
			if p.send(c, h.bytes()) != nil {
				return
			}
			continue
		}
		if p.receive(c, h.bytes()) != nil {
			return
		}
		if _, err := c.Write(h[:]); err != nil {
			return
		}
	}
}
