package netdial

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"
)

// The dialer that the program has is never closed, so there is no leak check here.

func TestConnectionsAreFakeSockets(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	for _, timeout := range []time.Duration{0, time.Minute} {
		c, err := (&Dialer{Timeout: timeout}).DialContext(t.Context(), "tcp", ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := c.(*net.TCPConn); ok {
			t.Errorf("with the timeout %v the connection is package net's", timeout)
		}
		c.Close()
	}
}

func TestTheTimeoutEndsADial(t *testing.T) {
	_, err := (&Dialer{Timeout: time.Nanosecond}).DialContext(t.Context(), "tcp", "127.0.0.1:1")
	var timeout net.Error
	if !errors.As(err, &timeout) || !timeout.Timeout() || errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want a timeout", err)
	}
}
