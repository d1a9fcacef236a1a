package fakesock

import (
	"net"
	"testing"

	"golang.org/x/net/nettest"
)

func TestConnPassesNettest(t *testing.T) {
	for _, network := range networks {
		t.Run(network, func(t *testing.T) {
			l := startLoop(t)
			nettest.TestConn(t, func() (c1, c2 net.Conn, stop func(), err error) {
				a, b := fakePair(t, l, network)
				return a, b, func() { a.Close(); b.Close() }, nil
			})
		})
	}
}

// One end of package net shows that both agree on what is on the wire.
func TestConnPassesNettestAgainstNative(t *testing.T) {
	l := startLoop(t)
	nettest.TestConn(t, func() (c1, c2 net.Conn, stop func(), err error) {
		a, b := dialPair(t, l, "tcp4")
		return a, b, func() { a.Close(); b.Close() }, nil
	})
}
