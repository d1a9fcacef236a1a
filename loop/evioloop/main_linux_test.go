package evioloop

import (
	"bufio"
	"io"
	"log/slog"
	"net"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/valet-go/valet/internal/frontendtest"
	"github.com/valet-go/valet/internal/leaktest"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

// serve runs s on a free loopback port, or on addr, and returns where it
// listens, and what stops it and waits; the end of the test does so too.
func serve(t *testing.T, s *Server, addr ...string) (net.Addr, func()) {
	t.Helper()
	if s.Logger == nil {
		s.Logger = slog.New(slog.DiscardHandler)
	}
	ready := make(chan []net.Addr, 1)
	s.Ready = func(addrs []net.Addr) { ready <- addrs }
	return frontendtest.Start(t, s.Serve, ready, addr...)
}

func dial(t *testing.T, a net.Addr) net.Conn {
	t.Helper()
	c, err := net.Dial(a.Network(), a.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if err := c.SetDeadline(time.Now().Add(frontendtest.Patience)); err != nil {
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

func echo(c *Conn, in []byte) { _, _ = c.Write(in) }

type testClient struct {
	net.Conn
	server net.Addr
}

// connect serves s and returns the first connection of a client, both ends.
func connect(t *testing.T, s *Server) (*Conn, *testClient, func()) {
	t.Helper()
	conns := make(chan *Conn, 1)
	opened := s.Opened
	s.Opened = func(c *Conn) {
		if opened != nil {
			opened(c)
		}
		select {
		case conns <- c:
		default:
		}
	}
	a, stop := serve(t, s)
	client := &testClient{dial(t, a), a}
	return frontendtest.Await(t, "Opened", conns), client, stop
}

// barrier waits until what was posted before has run.
func barrier(t *testing.T, c *Conn) {
	t.Helper()
	done := make(chan struct{})
	if err := c.Post(func() { close(done) }); err != nil {
		t.Fatal(err)
	}
	frontendtest.Await(t, "a posted function", done)
}

func descriptors(t *testing.T) []string {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Error(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func atoi(s string) int {
	n, _ := strconv.Atoi(s)
	return n
}
