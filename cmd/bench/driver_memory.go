package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"time"
)

// idleMemory is what a connection holds, in the process that opened it, while
// nothing happens on it. What is counted is in the doc comment of main.go.
//
// One goroutine opens all connections and lives on, so that no stack is counted
// but what it grew by. All exchanges share a buffer, which is not counted.
func idleMemory() measure {
	return measure{
		peer:     echoDriver{},
		paths:    socketPaths,
		uses:     []string{"conns", "addr", "tls", "tls-ca"},
		defaults: map[string]string{"path": "native,sock", "conns": "5000"},
		unit:     "conn",
		columns:  memoryOf("conn"),
		ratios:   []figure{heapAndStack, allMemory},
		about:    func(_ config, c cell) string { return fmt.Sprintf("%d idle connections, bytes for each", c.conns) },
		run:      runMemory,
	}
}

// idleDeadline is far enough away not to pass.
const idleDeadline = time.Hour

// firstConns are opened and closed before the memory is read for the first
// time, for what comes once.
const firstConns = 100

func runMemory(ctx context.Context, sp spec) (_ sample, err error) {
	dial, _, end, err := connect(ctx, sp.Path)
	if err != nil {
		return sample{}, err
	}
	defer end()
	cfg, err := sp.Target.tlsConfig(hostOf(sp.Target.Addr))
	if err != nil {
		return sample{}, err
	}
	dial = overTLS(dial, cfg)
	conns := make([]net.Conn, 0, max(sp.Conns, firstConns))
	defer func() { err = errors.Join(err, closeAll(conns)) }()
	if conns, err = openIdle(ctx, dial, sp.Target.Addr, conns, firstConns); err != nil {
		return sample{}, err
	}
	if err := closeAll(conns); err != nil {
		return sample{}, err
	}
	clear(conns)
	before := settled()
	if conns, err = openIdle(ctx, dial, sp.Target.Addr, conns[:0], sp.Conns); err != nil {
		return sample{}, err
	}
	after := settled()
	return grown(before, after, sp.Conns), nil
}

// openIdle appends n connections, each with its deadlines set and one exchange
// behind it. It returns what it has opened with an error too.
func openIdle(ctx context.Context, dial dialFunc, addr string, conns []net.Conn, n int) ([]net.Conn, error) {
	deadline := time.Now().Add(idleDeadline)
	reply := make([]byte, len(echoMessages[0]))
	for i := range n {
		c, err := dial(ctx, "tcp", addr)
		if err != nil {
			return conns, err
		}
		conns = append(conns, c)
		if err := c.SetDeadline(deadline); err != nil {
			return conns, err
		}
		if _, err := c.Write(echoMessages[i%keys]); err != nil {
			return conns, err
		}
		if _, err := io.ReadFull(c, reply); err != nil {
			return conns, err
		}
		if string(reply) != value(i%keys) {
			return conns, fmt.Errorf("connection %d: reply is %q instead of %q", i, reply, value(i%keys))
		}
	}
	return conns, nil
}

func closeAll(conns []net.Conn) error {
	var errs []error
	for _, c := range conns {
		if c != nil {
			errs = append(errs, c.Close())
		}
	}
	return errors.Join(errs...)
}
