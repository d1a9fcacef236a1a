package evioloop

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/valet-go/valet/internal/leaktest"
)

// patience is how long a test waits for what must happen before it fails.
const patience = 60 * time.Second

func TestMain(m *testing.M) {
	if what := os.Getenv("EVIOLOOP_CHILD"); what != "" {
		child(what)
		return
	}
	leaktest.Main(m)
}

// serve runs s on a free loopback port, or on addr, and returns where it
// listens, and what stops it and waits; the end of the test does so too.
func serve(t *testing.T, s *Server, addr ...string) (net.Addr, func()) {
	t.Helper()
	if len(addr) == 0 {
		addr = []string{"tcp://127.0.0.1:0"}
	}
	if s.Logger == nil {
		s.Logger = slog.New(slog.DiscardHandler)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ready := make(chan net.Addr, 1)
	ended := make(chan error, 1)
	s.Ready = func(addrs []net.Addr) { ready <- addrs[0] }
	go func() { ended <- s.Serve(ctx, addr...) }()
	stop := sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("Serve: %v", err)
			}
		case <-time.After(patience):
			panic("Serve does not return")
		}
	})
	t.Cleanup(stop)
	select {
	case a := <-ready:
		return a, stop
	case err := <-ended:
		ended <- nil
		t.Fatalf("Serve: %v", err)
	}
	return nil, nil
}

func dial(t *testing.T, a net.Addr) net.Conn {
	t.Helper()
	c, err := net.Dial(a.Network(), a.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return c
}

func send1(t *testing.T, c net.Conn, s string) {
	t.Helper()
	if _, err := io.WriteString(c, s); err != nil {
		t.Fatal(err)
	}
}

// ask sends s and a newline and returns the line that comes back.
func ask(t *testing.T, c net.Conn, s string) string {
	t.Helper()
	send1(t, c, s+"\n")
	line, err := bufio.NewReader(c).ReadString('\n')
	if err != nil {
		t.Fatalf("after %q: %v", s, err)
	}
	return line[:len(line)-1]
}

// await receives from ch, or fails.
func await[T any](t *testing.T, what string, ch <-chan T) T {
	t.Helper()
	select {
	case v := <-ch:
		return v
	case <-time.After(patience):
		t.Fatalf("never came: %s", what)
	}
	panic("unreachable")
}

// random returns n bytes that depend on the seed that it logs.
func random(t *testing.T, n int) []byte {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	b := make([]byte, n)
	r := rand.New(rand.NewPCG(seed, 0))
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

// wantEnd checks that the server ends the connection.
func wantEnd(t *testing.T, c net.Conn) {
	t.Helper()
	if n, err := c.Read(make([]byte, 1)); n != 0 || err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("read %d bytes, %v; want the end of the connection", n, err)
	}
}

func echo(c *Conn, in []byte) { _, _ = c.Write(in) }
