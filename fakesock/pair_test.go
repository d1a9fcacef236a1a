package fakesock

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/valet-go/valet/loop"
)

// startLoop returns a running loop that is closed with the test.
func startLoop(t testing.TB) *loop.Loop {
	t.Helper()
	l, err := loop.Start(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// networks are those that the contract is tested on.
var networks = []string{"tcp4", "tcp6", "unix"}

// listen listens on a private address of the network.
func listen(t testing.TB, network string) net.Listener {
	t.Helper()
	ln, err := net.Listen(network, privateAddr(t, network))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	return ln
}

// privateAddr is one that the system completes, or nobody else knows.
func privateAddr(t testing.TB, network string) string {
	switch network {
	case "tcp6":
		return "[::1]:0"
	case "unix":
		return filepath.Join(t.TempDir(), "s")
	}
	return "127.0.0.1:0"
}

// dialPair returns two ends of one connection: the dialled one on the loop,
// the accepted one of package net.
func dialPair(t testing.TB, l *loop.Loop, network string) (*Conn, net.Conn) {
	t.Helper()
	ln := listen(t, network)
	defer ln.Close()
	accepted := make(chan net.Conn, 1)
	go func() {
		c, err := ln.Accept()
		if err != nil {
			t.Error(err)
		}
		accepted <- c
	}()
	d := &Dialer{Loop: l}
	c, err := d.Dial(network, ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	peer := await(t, accepted)
	t.Cleanup(func() { c.Close(); peer.Close() })
	return c.(*Conn), peer
}

// fakePair returns two ends of one connection, both on the loop.
func fakePair(t testing.TB, l *loop.Loop, network string) (a, b *Conn) {
	t.Helper()
	a, peer := dialPair(t, l, network)
	b, err := Wrap(l, peer)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return a, b
}

func await[T any](t testing.TB, ch <-chan T) T {
	t.Helper()
	select {
	case v := <-ch:
		return v
	case <-time.After(20 * time.Second):
		buf := make([]byte, 1<<16)
		t.Fatalf("waited for 20 s\n%s", buf[:runtime.Stack(buf, true)])
		panic("unreachable")
	}
}

// result is what a Read or Write returned.
type result struct {
	n   int
	err error
}

// async starts f and returns a channel with its result.
func async(f func() (int, error)) <-chan result {
	ch := make(chan result, 1)
	go func() {
		n, err := f()
		ch <- result{n, err}
	}()
	return ch
}

// awaitParked waits until an operation is parked in the direction.
func awaitParked(t testing.TB, d *direction) {
	t.Helper()
	if !until(func() bool { return d.snapshot().kind != 0 }) {
		t.Fatal("nothing parked within 20 s")
	}
}

// until reports whether ok holds within 20 s.
func until(ok func() bool) bool {
	for end := time.Now().Add(20 * time.Second); !ok(); runtime.Gosched() {
		if time.Now().After(end) {
			return false
		}
	}
	return true
}

// fill writes until the socket takes no more, and returns how much it took.
func fill(t testing.TB, c *Conn) int {
	t.Helper()
	total := 0
	buf := make([]byte, 64<<10)
	for {
		n, err := untilStuck(t, c, func() (int, error) { return c.Write(buf) })
		total += n
		if err != nil {
			var ne net.Error
			if !errors.As(err, &ne) || !ne.Timeout() {
				t.Fatal(err)
			}
			return total
		}
	}
}

// untilStuck calls write, and gives it up 30 ms after it has begun to wait for
// the peer. A deadline set before it might pass before it has tried at all.
func untilStuck(t testing.TB, c *Conn, write func() (int, error)) (int, error) {
	t.Helper()
	r := async(write)
	if !until(func() bool { return len(r) != 0 || c.s.w.snapshot().kind != 0 }) {
		t.Fatal("neither written nor parked within 20 s")
	}
	c.SetWriteDeadline(time.Now().Add(30 * time.Millisecond))
	defer c.SetWriteDeadline(time.Time{})
	out := await(t, r)
	return out.n, out.err
}

func mustWrite(t testing.TB, w io.Writer, s string) {
	t.Helper()
	if n, err := io.WriteString(w, s); n != len(s) || err != nil {
		t.Fatalf("Write(%q) = %d, %v", s, n, err)
	}
}

func mustRead(t testing.TB, r io.Reader, want string) {
	t.Helper()
	buf := make([]byte, len(want))
	if n, err := io.ReadFull(r, buf); err != nil || string(buf) != want {
		t.Fatalf("read %q, %v; want %q", buf[:n], err, want)
	}
}

// filer and rawOf are what every connection and listener here has.
type filer interface{ File() (*os.File, error) }

func rawOf(c any) syscall.RawConn {
	raw, err := c.(syscall.Conn).SyscallConn()
	if err != nil {
		panic(err) // only methods of the RawConn fail
	}
	return raw
}

// isReset reports whether the error says that the peer is gone.
func isReset(err error) bool {
	return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}
