package dialer

import (
	"io"
	"net"
	"strings"
	"syscall"
	"testing"

	"github.com/valet-go/valet/internal/leaktest"
	"github.com/valet-go/valet/loop"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

func TestDialsAndBytesAreCounted(t *testing.T) {
	folder := t.TempDir()
	d := newDialer(t, folder)
	for range 3 {
		c, err := d.DialContext(t.Context(), "tcp", echo(t))
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := c.(syscall.Conn); !ok {
			t.Error("drivers look for a syscall.Conn, to check a connection")
		}
		if _, err := c.Write([]byte("abc")); err != nil {
			t.Fatal(err)
		}
		if _, err := c.(io.ReaderFrom).ReadFrom(strings.NewReader("de")); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(c, make([]byte, 5)); err != nil {
			t.Fatal(err)
		}
		c.Close()
	}
	got, err := Sum(folder)
	if want := (Counts{Dials: 3, Read: 15, Written: 15}); err != nil || got != want {
		t.Errorf("got %+v, %v; want %+v", got, err, want)
	}
}

func TestWhatFailsIsNotCounted(t *testing.T) {
	folder := t.TempDir()
	d := newDialer(t, folder)
	for _, network := range []string{"tcp", "udp"} {
		// The fake socket is for streams alone: a packet's is package net's.
		if _, err := d.DialContext(t.Context(), network, "127.0.0.1:0"); err == nil {
			t.Errorf("dialling %s succeeded", network)
		}
	}
	if got, err := Sum(folder); err != nil || got != (Counts{}) {
		t.Errorf("got %+v, %v; want nothing", got, err)
	}
}

func TestSumWantsItsFolderAndItsFiles(t *testing.T) {
	if _, err := Sum("no/such/folder"); err == nil {
		t.Error("a folder that is not there has no sum")
	}
}

func newDialer(t *testing.T, folder string) *Dialer {
	t.Helper()
	l, err := loop.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	d, err := New(l, folder)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.counts.file.Close() })
	return d
}

// echo serves one connection.
func echo(t *testing.T) (addr string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		c, err := ln.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		io.Copy(c, c)
	}()
	t.Cleanup(func() { ln.Close(); <-done })
	return ln.Addr().String()
}
