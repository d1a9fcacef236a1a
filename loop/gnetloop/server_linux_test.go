package gnetloop

import (
	"context"
	"log/slog"
	"net"
	"reflect"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/valet-go/valet/internal/frontendtest"
)

func TestNegativeLoops(t *testing.T) {
	if err := (&Server{Data: echo, Loops: -1}).Serve(context.Background(), "tcp://127.0.0.1:0"); err == nil {
		t.Error("no error")
	}
}

func TestForeignGnet(t *testing.T) {
	for _, v := range []any{
		nil, 1,
		&struct{}{},
		&struct{ loop int }{},
		&struct{ loop *struct{} }{},
		&struct{ loop *struct{ poller *struct{} } }{},
		&struct {
			loop *struct{ poller *struct{ fd uint } }
		}{},
	} {
		if _, err := layoutOf(reflect.TypeOf(v)); err == nil || !strings.Contains(err.Error(), "v2.9.7") {
			t.Errorf("%T: %v", v, err)
		}
	}
	defer func() { findLayout = layoutOf }()
	findLayout = func(reflect.Type) (layout, error) { return layoutOf(nil) }
	s := Server{
		Data: echo, Logger: slog.New(slog.DiscardHandler),
		Ready: func(addrs []net.Addr) {
			if c, err := net.Dial("tcp", addrs[0].String()); err == nil {
				c.Close()
			}
		},
	}
	if err := s.Serve(context.Background(), "tcp://127.0.0.1:0"); err == nil || !strings.Contains(err.Error(), "v2.9.7") {
		t.Errorf("Serve: %v", err)
	}
}

func TestPostsAfterTheEndWriteNowhere(t *testing.T) { frontendtest.PostsAfterTheEnd(t, host(2)) }

// Gnet gives a descriptor to each client that this package does not duplicate,
// and sets what is to be set on it.
func TestDescriptorFlags(t *testing.T) {
	type flags struct{ noDelay, keepAlive, fd int }
	got := make(chan flags, 1)
	a, _ := serve(t, &Server{Data: echo, Opened: func(c *Conn) {
		own, gnets := c.conn().Descriptors()
		if own != gnets {
			t.Errorf("two descriptors: %d, %d", own, gnets)
		}
		var f flags
		f.noDelay, _ = unix.GetsockoptInt(own, unix.IPPROTO_TCP, unix.TCP_NODELAY)
		f.keepAlive, _ = unix.GetsockoptInt(own, unix.SOL_SOCKET, unix.SO_KEEPALIVE)
		f.fd, _ = unix.FcntlInt(uintptr(own), unix.F_GETFD, 0)
		got <- f
	}})
	client, err := net.Dial("tcp", a.String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if f := <-got; f.noDelay != 1 || f.keepAlive != 1 || f.fd != unix.FD_CLOEXEC {
		t.Errorf("%+v", f)
	}
}
