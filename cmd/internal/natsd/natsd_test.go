package natsd_test

import (
	"net"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/valet-go/valet/cmd/internal/natsd"
)

func TestItServesTheRawClient(t *testing.T) {
	srv, err := natsd.Start(func(o *server.Options) { o.Username, o.Password = "valet", "secret" })
	if err != nil {
		t.Fatal(err)
	}
	defer srv.Close()
	echo := func() {
		t.Helper()
		nc, err := nats.Connect("nats://valet:secret@" + srv.Addr())
		if err != nil {
			t.Fatal(err)
		}
		defer nc.Close()
		sub, err := nc.SubscribeSync("greetings")
		if err != nil {
			t.Fatal(err)
		}
		if err := nc.Publish("greetings", []byte("hello")); err != nil {
			t.Fatal(err)
		}
		if m, err := sub.NextMsgWithContext(t.Context()); err != nil || string(m.Data) != "hello" {
			t.Fatalf("received %v, %v", m, err)
		}
	}
	echo()
	addr := srv.Addr()
	if err := srv.Restart(); err != nil {
		t.Fatal(err)
	}
	if srv.Addr() != addr {
		t.Errorf("after the restart at %s, was at %s", srv.Addr(), addr)
	}
	echo()
	if nc, err := nats.Connect("nats://valet:wrong@" + addr); err == nil {
		nc.Close()
		t.Error("a wrong password was accepted")
	}
	srv.Close()
	srv.Close()
	if c, err := net.Dial("tcp", addr); err == nil {
		c.Close()
		t.Errorf("%s still accepts connections", addr)
	}
}
