package mysql

import (
	"context"
	"net"
	"runtime"
	"testing"
	"time"

	"github.com/valet-go/valet/fakesock"
	"github.com/valet-go/valet/loop"
)

// The driver looks at a connection only if there may be something to see.
func TestGlance(t *testing.T) {
	l, err := loop.Start(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	sock, err := (&fakesock.Dialer{Loop: l}).Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer sock.Close()
	server, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	c := &greeted{Conn: sock.(*fakesock.Conn)}
	looks := func() (looked bool) {
		raw, err := c.SyscallConn()
		if err != nil {
			t.Fatal(err)
		}
		if err := raw.Read(func(uintptr) bool { looked = true; return true }); err != nil {
			t.Fatal(err)
		}
		return looked
	}
	if !looks() {
		t.Error("a new connection was not looked at")
	}
	read := make(chan error)
	go func() { _, err := c.Read(make([]byte, 8)); read <- err }()
	for len(fakesock.Parked(l)) == 0 { // so that the loop reads it all
		runtime.Gosched()
	}
	if _, err := server.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if err := <-read; err != nil {
		t.Fatal(err)
	}
	c.read = time.Now().Add(time.Hour) // this test may be slow
	if looks() {
		t.Error("a connection on which nothing came was looked at")
	}
	c.read = time.Now().Add(-2 * trusted)
	if !looks() {
		t.Error("a connection that was not used for long was not looked at")
	}
	c.read = time.Now().Add(time.Hour)
	server.Close()
	for end := time.Now().Add(20 * time.Second); !looks(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("a connection that the server has closed is not looked at")
		}
	}
}
