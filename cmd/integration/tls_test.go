package integration

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/valet-go/valet/fakesock"
)

// TestTLSInTheMiddleOfARecord has crypto/tls over Go's own socket and over the
// fake one read a record of which only a part comes.
func TestTLSInTheMiddleOfARecord(t *testing.T) {
	for _, dialer := range []string{"native", "fake socket"} {
		for _, test := range []struct {
			name string
			run  func(t *testing.T, client *tls.Conn, below *net.TCPConn, rest []byte)
		}{
			{"the server closes", testTLSCut},
			{"the server resets", testTLSReset},
			{"a deadline passes before the rest comes", testTLSDeadline},
			{"the client closes", testTLSClientCloses},
		} {
			t.Run(dialer+", "+test.name, func(t *testing.T) {
				var dial func(context.Context, string, string) (net.Conn, error)
				if dialer == "native" {
					dial = new(net.Dialer).DialContext
				} else {
					d := &countingDialer{d: &fakesock.Dialer{Loop: startLoop(t)}}
					defer d.wantFake(t)
					dial = d.DialContext
				}
				client, below, rest := tlsHalf(t, dial)
				test.run(t, client, below, rest)
			})
		}
	}
}

// tlsText is what the record says. It is preceded by a whole one.
var tlsText = noise(10_000)

// tlsHalf returns a client that has been sent the first half of a record, and
// the server's side below TLS, with the other half.
func tlsHalf(t *testing.T, dial func(context.Context, string, string) (net.Conn, error)) (client *tls.Conn, below *net.TCPConn, rest []byte) {
	t.Helper()
	cert, roots := certificate(t)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	type half struct {
		c    *net.TCPConn
		rest []byte
		err  error
	}
	sent := make(chan half, 1)
	go func() {
		c, err := ln.Accept()
		if err != nil {
			sent <- half{err: err}
			return
		}
		holding := &holdingConn{Conn: c}
		server := tls.Server(holding, &tls.Config{Certificates: []tls.Certificate{cert}})
		if _, err = server.Write([]byte("hello")); err == nil {
			holding.hold = true
			_, err = server.Write(tlsText)
		}
		sent <- half{c.(*net.TCPConn), holding.held, err}
	}()
	c, err := dial(bg, "tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	client = tls.Client(c, &tls.Config{RootCAs: roots, ServerName: "127.0.0.1"})
	t.Cleanup(func() { client.Close() })
	if _, err := io.ReadFull(client, make([]byte, len("hello"))); err != nil {
		t.Fatal(err)
	}
	h := await(t, sent)
	if h.err != nil || len(h.rest) < len(tlsText)/2 {
		t.Fatalf("%d bytes are to come, %v", len(h.rest), h.err)
	}
	t.Cleanup(func() { h.c.Close() })
	return client, h.c, h.rest
}

// holdingConn sends half of the first write after it was told to hold, and
// keeps that of the others.
type holdingConn struct {
	net.Conn
	hold bool
	held []byte
}

func (c *holdingConn) Write(p []byte) (int, error) {
	now := len(p)
	switch {
	case !c.hold:
	case c.held == nil:
		now = len(p) / 2
	default:
		now = 0
	}
	c.held = append(c.held, p[now:]...)
	if _, err := c.Conn.Write(p[:now]); err != nil {
		return 0, err
	}
	return len(p), nil
}

func testTLSCut(t *testing.T, client *tls.Conn, below *net.TCPConn, _ []byte) {
	if err := below.Close(); err != nil {
		t.Fatal(err)
	}
	if n, err := client.Read(make([]byte, len(tlsText))); n != 0 || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("read %d bytes, %v; want %v", n, err, io.ErrUnexpectedEOF)
	}
}

func testTLSReset(t *testing.T, client *tls.Conn, below *net.TCPConn, _ []byte) {
	read := make(chan error, 1)
	go func() {
		_, err := client.Read(make([]byte, len(tlsText)))
		read <- err
	}()
	if err := below.SetLinger(0); err != nil {
		t.Fatal(err)
	}
	if err := below.Close(); err != nil {
		t.Fatal(err)
	}
	if err := await(t, read); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("got %v, want %v", err, syscall.ECONNRESET)
	}
}

func testTLSDeadline(t *testing.T, client *tls.Conn, below *net.TCPConn, rest []byte) {
	for range 3 {
		if err := client.SetReadDeadline(time.Now().Add(10 * time.Millisecond)); err != nil {
			t.Fatal(err)
		}
		if n, err := client.Read(make([]byte, len(tlsText))); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("read %d bytes, %v; want %v", n, err, os.ErrDeadlineExceeded)
		}
	}
	if err := client.SetReadDeadline(time.Time{}); err != nil {
		t.Fatal(err)
	}
	if _, err := below.Write(rest); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, len(tlsText))
	if _, err := io.ReadFull(client, got); err != nil || !bytes.Equal(got, tlsText) {
		t.Errorf("the record came differently, %v", err)
	}
}

func testTLSClientCloses(t *testing.T, client *tls.Conn, below *net.TCPConn, _ []byte) {
	read := make(chan error, 1)
	go func() {
		_, err := client.Read(make([]byte, len(tlsText)))
		read <- err
	}()
	if err := client.Close(); err != nil {
		t.Error(err)
	}
	if err := await(t, read); !errors.Is(err, net.ErrClosed) {
		t.Errorf("got %v, want %v", err, net.ErrClosed)
	}
	// What it said in closing is followed by the end.
	if _, err := io.Copy(io.Discard, below); err != nil && !errors.Is(err, syscall.ECONNRESET) {
		t.Error(err)
	}
}
