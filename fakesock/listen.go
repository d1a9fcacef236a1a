package fakesock

import (
	"fmt"
	"net"

	"github.com/valet-go/valet/loop"
)

// Listen listens like [net.Listen], whose errors it returns, and does the
// waiting on l. The network is one of tcp, tcp4, tcp6 and unix. Any goroutine;
// it blocks for as long as a host name takes to resolve. Errors besides:
// [loop.ErrClosed].
func Listen(l *loop.Loop, network, address string) (*Listener, error) {
	ln, err := net.Listen(network, address)
	if err != nil {
		return nil, err
	}
	out, err := wrapListener(l, ln, network)
	if err != nil {
		ln.Close()
		return nil, &net.OpError{Op: "listen", Net: network, Addr: ln.Addr(), Err: err}
	}
	return out, nil
}

// wrappableListener reports whether ln is a stream listener of package net.
func wrappableListener(ln net.Listener) bool {
	switch ln := ln.(type) {
	case *net.TCPListener:
		return true
	case *net.UnixListener:
		return ln.Addr().Network() == "unix"
	}
	return false
}

func errListenerType(ln net.Listener) error {
	return fmt.Errorf("fakesock: cannot wrap a %T on %s; it takes a *net.TCPListener or a stream *net.UnixListener",
		ln, ln.Addr().Network())
}
