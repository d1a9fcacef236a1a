package evioloop_test

import (
	"context"
	"errors"
	"io"
	"net"
	"testing"

	"github.com/valet-go/valet/fakesock"
	"github.com/valet-go/valet/loop"
	"github.com/valet-go/valet/loop/evioloop"
)

// A driver that is called in a callback, and would wait there, fails.
func TestBlockingInACallbackFails(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	l, err := loop.Start(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	d := &fakesock.Dialer{Loop: l}
	backend, err := d.Dial("tcp", silent.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer backend.Close()
	try := func(where string) {
		if _, err := backend.Read(make([]byte, 1)); !errors.Is(err, loop.ErrWouldBlockLoop) {
			t.Errorf("%s: Read: %v", where, err)
		}
		if c, err := d.Dial("tcp", silent.Addr().String()); !errors.Is(err, loop.ErrWouldBlockLoop) {
			t.Errorf("%s: Dial: %v, %v", where, c, err)
		}
	}
	srv := evioloop.Server{
		Opened: func(*evioloop.Conn) { try("Opened") },
		Data: func(c *evioloop.Conn, _ []byte) {
			try("Data")
			if err := c.Post(func() { try("Post"); c.Close() }); err != nil {
				t.Error(err)
			}
		},
		Closed: func(*evioloop.Conn, error) { try("Closed") },
		Ready: func(addrs []net.Addr) {
			go func() {
				defer cancel()
				c, err := net.Dial("tcp", addrs[0].String())
				if err != nil {
					t.Error(err)
					return
				}
				defer c.Close()
				if _, err := io.WriteString(c, "x"); err != nil {
					t.Error(err)
				}
				if _, err := io.ReadAll(c); err != nil {
					t.Error(err)
				}
			}()
		},
	}
	if err := srv.Serve(ctx, "tcp://127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
}
