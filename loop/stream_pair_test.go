package loop

import (
	"context"
	"io"
	"net"
	"path/filepath"
	"runtime"
	"testing"
	"time"
)

// streamNetworks are those that streams are tested on.
var streamNetworks = []string{"tcp4", "tcp6", "unix"}

// localAddress is a private address of the network to listen on.
func localAddress(t testing.TB, network string) string {
	t.Helper()
	switch network {
	case "tcp6":
		return "[::1]:0"
	case "unix":
		return filepath.Join(t.TempDir(), "s")
	}
	return "127.0.0.1:0"
}

// listen starts a listener that is closed with the loop.
func listen(t testing.TB, l *Loop, network string, accept func(*Stream), opts ...ListenOption) *Listener {
	t.Helper()
	ln, err := l.Listen(network, localAddress(t, network), accept, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return ln
}

// connect dials a listener with package net.
func connect(t testing.TB, ln *Listener) net.Conn {
	t.Helper()
	c, err := net.Dial(ln.Addr().Network(), ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// streamPair returns an accepted stream and its peer.
func streamPair(t testing.TB, l *Loop, network string) (*Stream, net.Conn) {
	t.Helper()
	accepted := make(chan *Stream, 1)
	ln := listen(t, l, network, func(s *Stream) { accepted <- s })
	peer := connect(t, ln)
	s := await(t, accepted)
	on(t, l, ln.Close)
	return s, peer
}

// netListener is a listener of package net, to dial to.
func netListener(t testing.TB, network string) net.Listener {
	t.Helper()
	ln, err := net.Listen(network, localAddress(t, network))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	return ln
}

// dialPair returns a dialled stream and its peer.
func dialPair(t testing.TB, l *Loop, network string) (*Stream, net.Conn) {
	t.Helper()
	ln := netListener(t, network)
	dialled := make(chan *Stream, 1)
	l.Dial(context.Background(), network, ln.Addr().String(), func(s *Stream, err error) {
		if err != nil {
			t.Error(err)
		}
		dialled <- s
	})
	peer, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { peer.Close() })
	return await(t, dialled), peer
}

// got is what a read callback was given.
type got struct {
	data string
	err  error
}

// begin starts a read on the loop and returns where its outcome will be.
func begin(t testing.TB, s *Stream, read func(cb func([]byte, error))) <-chan got {
	t.Helper()
	ch := make(chan got, 10)
	on(t, s.l, func() {
		read(func(p []byte, err error) { ch <- got{string(p), err} })
		if len(ch) != 0 {
			t.Error("the callback ran inside the method")
		}
	})
	return ch
}

func beginSome(t testing.TB, s *Stream) <-chan got {
	t.Helper()
	return begin(t, s, s.ReadSome)
}

func beginBytes(t testing.TB, s *Stream, n int) <-chan got {
	t.Helper()
	return begin(t, s, func(cb func([]byte, error)) { s.ReadBytes(n, cb) })
}

func beginUntil(t testing.TB, s *Stream, delim string, limit int) <-chan got {
	t.Helper()
	return begin(t, s, func(cb func([]byte, error)) { s.ReadUntil([]byte(delim), limit, cb) })
}

func wantGot(t testing.TB, ch <-chan got, data string, err error) {
	t.Helper()
	if g := await(t, ch); g.data != data || g.err != err {
		t.Fatalf("read %q, %v; want %q, %v", g.data, g.err, data, err)
	}
}

// beginWrite starts a write on the loop and returns where its outcome will be.
func beginWrite(t testing.TB, s *Stream, data []byte) <-chan error {
	t.Helper()
	ch := make(chan error, 10)
	on(t, s.l, func() {
		s.Write(data, func(err error) { ch <- err })
		if len(ch) != 0 {
			t.Error("the callback ran inside the method")
		}
	})
	return ch
}

// sendTo writes to a peer, or to a child.
func sendTo(t testing.TB, w io.Writer, data string) {
	t.Helper()
	if _, err := io.WriteString(w, data); err != nil {
		t.Fatal(err)
	}
}

// expect reads from a peer.
func expect(t testing.TB, r io.Reader, want string) {
	t.Helper()
	buf := make([]byte, len(want))
	if n, err := io.ReadFull(r, buf); err != nil || string(buf) != want {
		t.Fatalf("the peer read %q, %v; want %q", buf[:n], err, want)
	}
}

// eventually waits until ok, asked on the loop, says so.
func eventually(t testing.TB, l *Loop, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); ; runtime.Gosched() {
		done := false
		on(t, l, func() { done = ok() })
		if done {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%s: not within 20 s", what)
		}
	}
}

// reset makes a TCP peer break the connection.
func reset(t testing.TB, peer net.Conn) {
	t.Helper()
	if err := peer.(*net.TCPConn).SetLinger(0); err != nil {
		t.Fatal(err)
	}
	peer.Close()
}

// onEachNetwork runs f with a stream on each network, accepted and dialled.
func onEachNetwork(t *testing.T, f func(t *testing.T, l *Loop, s *Stream, peer net.Conn)) {
	t.Helper()
	for _, network := range streamNetworks {
		t.Run(network, func(t *testing.T) {
			l := start(t)
			s, peer := streamPair(t, l, network)
			f(t, l, s, peer)
		})
		t.Run(network+" dialled", func(t *testing.T) {
			l := start(t)
			s, peer := dialPair(t, l, network)
			f(t, l, s, peer)
		})
	}
}
