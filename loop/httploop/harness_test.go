package httploop

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/valet-go/valet/internal/frontendtest"
	"github.com/valet-go/valet/internal/rawhttp"
	"github.com/valet-go/valet/loop"
	"github.com/valet-go/valet/loop/evioloop"
)

// onHosts runs a test on every host that this module knows.
func onHosts(t *testing.T, test func(t *testing.T, serve func(*testing.T, *Server) net.Addr)) {
	t.Run("Listen", func(t *testing.T) { test(t, serveLoop) })
	for _, loops := range []int{1, 4} {
		t.Run(fmt.Sprintf("evio, %d loops", loops), func(t *testing.T) {
			test(t, func(t *testing.T, s *Server) net.Addr { return serveEvio(t, s, loops) })
		})
	}
}

func serveLoop(t *testing.T, s *Server) net.Addr {
	t.Helper()
	l, err := loop.Start(context.Background(), loop.WithPanicHandler(func(v any, stack []byte) {
		t.Errorf("a panic reached the loop: %v\n%s", v, stack)
	}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	ln, err := s.Listen(l, "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return ln.Addr()
}

func serveEvio(t *testing.T, s *Server, loops int) net.Addr {
	t.Helper()
	ready := make(chan []net.Addr, 1)
	e := &evioloop.Server{
		Loops:  loops,
		Logger: slog.New(slog.DiscardHandler),
		Ready:  func(addrs []net.Addr) { ready <- addrs },
		PanicHandler: func(v any, stack []byte) {
			t.Errorf("a panic reached the host: %v\n%s", v, stack)
		},
		Grace:  -1,
		Opened: func(c *evioloop.Conn) { s.Opened(c) },
		Data:   func(c *evioloop.Conn, in []byte) { s.Data(c, in) },
		EOF:    func(c *evioloop.Conn) { s.EOF(c) },
		Closed: func(c *evioloop.Conn, _ error) { s.Closed(c) },
	}
	a, _ := frontendtest.Start(t, e.Serve, ready)
	return a
}

// wantOpen checks that the connection is still served.
func wantOpen(t *testing.T, b *rawhttp.Client) {
	t.Helper()
	b.Get("/open")
	b.Want(200, "/open:")
}

// echo answers with the path and the body.
func echo(x *Exchange) {
	x.Text(200, string(x.Request().URI().Path())+":"+string(x.Request().Body()))
}

// shelf is where a handler puts exchanges that a test answers. They come from
// several goroutines if the host has several loops.
type shelf struct {
	mu   sync.Mutex
	held map[string]*Exchange
	came chan string
}

func newShelf() *shelf {
	return &shelf{held: map[string]*Exchange{}, came: make(chan string, 1<<12)}
}

// hold is a handler that keeps what begins with /hold, and echoes the rest.
func (s *shelf) hold(x *Exchange) {
	path := string(x.Request().URI().Path())
	if !strings.HasPrefix(path, "/hold") {
		echo(x)
		return
	}
	s.mu.Lock()
	s.held[path] = x
	s.mu.Unlock()
	s.came <- path
}

func (s *shelf) wait(t *testing.T, n int) {
	t.Helper()
	for range n {
		frontendtest.Await(t, "a request", s.came)
	}
}

// take removes an exchange.
func (s *shelf) take(path string) *Exchange {
	s.mu.Lock()
	defer s.mu.Unlock()
	x := s.held[path]
	delete(s.held, path)
	return x
}

// answer answers on the goroutine of the client, and waits for that.
func (s *shelf) answer(t *testing.T, path string) {
	t.Helper()
	x := s.take(path)
	if x == nil {
		t.Fatalf("nobody has asked for %s", path)
	}
	run(t, x, func() { x.Text(200, path) })
}

// run runs f on an executor, and waits for it.
func run(t *testing.T, e loop.Executor, f func()) {
	t.Helper()
	done := make(chan struct{})
	if err := e.Post(func() { f(); close(done) }); err != nil {
		t.Fatal(err)
	}
	frontendtest.Await(t, "a posted function", done)
}

// seeded returns random numbers whose seed it logs.
func seeded(t testing.TB) *rand.Rand {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}
