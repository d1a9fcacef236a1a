package frontendtest

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"sync"
	"testing"
	"time"
)

// Patience is how long a test waits for what must happen before it fails.
const Patience = 60 * time.Second

// serve runs s on a free loopback port, or on addr, and returns where it
// listens, and what stops it and waits; the end of the test does so too.
func serve(t *testing.T, h Host, s *Server, addr ...string) (net.Addr, func()) {
	a, stop, _ := serveRunning(t, h, s, addr...)
	return a, stop
}

func serveRunning(t *testing.T, h Host, s *Server, addr ...string) (net.Addr, func(), Running) {
	t.Helper()
	if s.Logger == nil {
		s.Logger = slog.New(slog.DiscardHandler)
	}
	ready := make(chan []net.Addr, 1)
	s.Ready = func(addrs []net.Addr) { ready <- addrs }
	running := h.New(s)
	a, stop := Start(t, running.Serve, ready, addr...)
	return a, stop, running
}

// Start calls serve, a front end's, for a free loopback port, or for addr. It
// returns where the front end listens, as ready tells, and what stops it and
// waits; the end of the test does so too.
func Start(t *testing.T, serve func(context.Context, ...string) error, ready <-chan []net.Addr, addr ...string) (net.Addr, func()) {
	t.Helper()
	if len(addr) == 0 {
		addr = []string{"tcp://127.0.0.1:0"}
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- serve(ctx, addr...) }()
	stop := sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("Serve: %v", err)
			}
		case <-time.After(Patience):
			panic("Serve does not return")
		}
	})
	t.Cleanup(stop)
	select {
	case a := <-ready:
		return a[0], stop
	case err := <-ended:
		ended <- nil
		t.Fatalf("Serve: %v", err)
	}
	return nil, nil
}

// client is a client, and where its server listens.
type client struct {
	net.Conn
	server net.Addr
}

// connect serves s and returns the first connection of a client, both ends.
func connect(t *testing.T, h Host, s *Server) (Conn, *client, func()) {
	t.Helper()
	conns := make(chan Conn, 1)
	opened := s.Opened
	s.Opened = func(c Conn) {
		if opened != nil {
			opened(c)
		}
		select {
		case conns <- c:
		default:
		}
	}
	a, stop := serve(t, h, s)
	c := dial(t, a)
	return Await(t, "Opened", conns), c, stop
}

func dial(t *testing.T, a net.Addr) *client {
	t.Helper()
	c, err := net.Dial(a.Network(), a.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if err := c.SetDeadline(time.Now().Add(Patience)); err != nil {
		t.Fatal(err)
	}
	return &client{c, a}
}

func (c *client) send(t *testing.T, s string) {
	t.Helper()
	if _, err := io.WriteString(c, s); err != nil {
		t.Fatal(err)
	}
}

// ask sends s and a newline and returns the line that comes back.
func (c *client) ask(t *testing.T, s string) string {
	t.Helper()
	c.send(t, s+"\n")
	line, err := bufio.NewReader(c).ReadString('\n')
	if err != nil {
		t.Fatalf("after %q: %v", s, err)
	}
	return line[:len(line)-1]
}

func (c *client) closeWrite(t *testing.T) {
	t.Helper()
	if err := c.Conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
}

// wantEnd checks that the server ends the connection.
func (c *client) wantEnd(t *testing.T) {
	t.Helper()
	if n, err := c.Read(make([]byte, 1)); n != 0 || err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("read %d bytes, %v; want the end of the connection", n, err)
	}
}

// Await receives from ch, or fails.
func Await[T any](t *testing.T, what string, ch <-chan T) T {
	t.Helper()
	select {
	case v := <-ch:
		return v
	case <-time.After(Patience):
		t.Fatalf("never came: %s", what)
	}
	panic("unreachable")
}

// barrier waits until what was posted before has run.
func barrier(t *testing.T, c Conn) {
	t.Helper()
	done := make(chan struct{})
	if err := c.Post(func() { close(done) }); err != nil {
		t.Fatal(err)
	}
	Await(t, "a posted function", done)
}

// fill writes more than the system takes for a client that does not read.
func fill(t *testing.T, c Conn, p []byte) {
	t.Helper()
	if _, err := c.Write(p); err != nil || c.Buffered() == 0 {
		t.Fatalf("%v, %d bytes pending; the test would test nothing", err, c.Buffered())
	}
}

// seeded returns a source of random numbers whose seed it logs.
func seeded(t *testing.T) *rand.ChaCha8 {
	t.Helper()
	var seed [32]byte
	binary.NativeEndian.PutUint64(seed[:], uint64(time.Now().UnixNano()))
	t.Logf("seed %x", seed[:8])
	return rand.NewChaCha8(seed)
}

// random returns n bytes that depend on a seed that it logs.
func random(t *testing.T, n int) []byte {
	t.Helper()
	b := make([]byte, n)
	_, _ = seeded(t).Read(b) // never fails
	return b
}

// slowly reads in small pieces.
type slowly struct{ io.Reader }

func (s slowly) Read(p []byte) (int, error) { return s.Reader.Read(p[:min(len(p), 1<<13)]) }

func echo(c Conn, in []byte) { _, _ = c.Write(in) }

func drop(Conn, []byte) {}
