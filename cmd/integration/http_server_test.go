package integration

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/valet-go/valet/fakesock"
	"github.com/valet-go/valet/loop"
)

// TestHTTPServer runs the tests of net/http with the fake socket under the
// server.
func TestHTTPServer(t *testing.T) { runHTTP(t, listenFake(t), false) }

// TestHTTPBothSides has the fake socket on both sides, on one loop.
func TestHTTPBothSides(t *testing.T) { runHTTP(t, listenFake(t), true) }

// listenFake listens by the fake socket, and checks at the end of the test what
// was accepted.
func listenFake(t testing.TB) listenFunc {
	return func(l *loop.Loop) (net.Listener, error) {
		ln, err := fakesock.Listen(l, "tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		counting := &countingListener{Listener: ln}
		t.Cleanup(func() { counting.wantFake(t) })
		return counting, nil
	}
}

// countingListener counts what it accepted, by type.
type countingListener struct {
	net.Listener
	mu    sync.Mutex     // guards types
	types map[string]int // of connections
}

func (ln *countingListener) Accept() (net.Conn, error) {
	c, err := ln.Listener.Accept()
	if err == nil {
		ln.mu.Lock()
		defer ln.mu.Unlock()
		if ln.types == nil {
			ln.types = make(map[string]int)
		}
		ln.types[fmt.Sprintf("%T", c)]++
	}
	return c, err
}

func (ln *countingListener) wantFake(t testing.TB) {
	t.Helper()
	ln.mu.Lock()
	defer ln.mu.Unlock()
	if len(ln.types) != 1 || ln.types["*fakesock.Conn"] == 0 {
		t.Errorf("the accepted connections are %v", ln.types)
	}
}

// httpServerTests are of what only a server does.
var httpServerTests = []struct {
	name string
	run  func(*testing.T, *httpEnv)
}{
	{"a large file is served, whole and in parts", testHTTPFile},
	{"a graceful shutdown lets requests finish", testHTTPShutdown},
	{"a shutdown that cannot wait is cut short by Close", testHTTPCloseServer},
}

func TestHTTPServerAlone(t *testing.T) {
	for _, way := range httpWays {
		t.Run(way.name, func(t *testing.T) {
			for _, test := range httpServerTests {
				t.Run(test.name, func(t *testing.T) { test.run(t, newHTTPEnv(t, way, listenFake(t), false)) })
			}
		})
	}
	// HTTP/2 has neither.
	for _, way := range httpWays[:2] {
		t.Run(way.name+", a hijacked connection speaks another protocol", func(t *testing.T) {
			testHTTPUpgrade(t, newHTTPEnv(t, way, listenFake(t), false))
		})
	}
}

func testHTTPFile(t *testing.T, e *httpEnv) {
	want := noise(32 << 20)
	name := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(name, want, 0o600); err != nil {
		t.Fatal(err)
	}
	e.serve(func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, name) })
	if got, err := e.get(bg); err != nil || got != string(want) {
		t.Errorf("got %d bytes of %d, %v", len(got), len(want), err)
	}
	req, err := http.NewRequest(http.MethodGet, e.web.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Range", "bytes=1000000-20000000")
	resp, err := e.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusPartialContent || !bytes.Equal(got, want[1_000_000:20_000_001]) {
		t.Errorf("a part: %s, %d bytes, %v", resp.Status, len(got), err)
	}
	// One that the client gives up does not keep others from it.
	if resp, err = e.client.Get(e.web.URL); err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if got, err := e.get(bg); err != nil || got != string(want) {
		t.Errorf("after one that was given up: %d bytes of %d, %v", len(got), len(want), err)
	}
}

// slow starts a request that the server answers when finish is closed, or gives
// up when the connection ends.
func (e *httpEnv) slow() (answer chan string, finish chan struct{}) {
	e.t.Helper()
	answer, finish = make(chan string, 1), make(chan struct{})
	began := make(chan struct{})
	e.serve(func(w http.ResponseWriter, r *http.Request) {
		close(began)
		select {
		case <-finish:
			hello(w, r)
		case <-r.Context().Done():
		}
	})
	go func() {
		got, err := e.get(bg)
		if err != nil {
			got = "failed"
		}
		answer <- got
	}()
	await(e.t, began)
	return answer, finish
}

func testHTTPShutdown(t *testing.T, e *httpEnv) {
	answer, finish := e.slow()
	closing, ended := make(chan struct{}), make(chan error, 1)
	e.web.Config.RegisterOnShutdown(func() { close(closing) })
	go func() { ended <- e.web.Config.Shutdown(bg) }()
	await(t, closing)
	eventually(t, "new connections are refused", func() bool {
		c, err := net.Dial("tcp", e.web.Listener.Addr().String())
		if err == nil {
			c.Close()
		}
		return err != nil
	})
	select {
	case err := <-ended:
		t.Errorf("the shutdown did not wait: %v", err)
	default:
	}
	close(finish)
	if got := await(t, answer); got != "hello" {
		t.Errorf("the request in the middle got %q", got)
	}
	e.client.CloseIdleConnections()
	if err := await(t, ended); err != nil {
		t.Errorf("the shutdown: %v", err)
	}
}

func testHTTPCloseServer(t *testing.T, e *httpEnv) {
	answer, _ := e.slow()
	ctx, cancel := context.WithCancel(bg)
	cancel()
	if err := e.web.Config.Shutdown(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("the shutdown: %v, want %v", err, context.Canceled)
	}
	if err := e.web.Config.Close(); err != nil {
		t.Error(err)
	}
	if got := await(t, answer); got != "failed" {
		t.Errorf("the request in the middle got %q", got)
	}
}

// testHTTPUpgrade switches to another protocol by hand, as WebSocket does: lines
// that come back in capitals.
func testHTTPUpgrade(t *testing.T, e *httpEnv) {
	ended := make(chan error, 1)
	e.serve(func(w http.ResponseWriter, _ *http.Request) {
		c, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			ended <- err
			return
		}
		defer c.Close()
		fmt.Fprint(rw, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: capitals\r\n\r\n")
		for err = rw.Flush(); err == nil; err = rw.Flush() {
			var line []byte
			if line, err = rw.ReadBytes('\n'); err != nil {
				break
			}
			rw.Write(bytes.ToUpper(line))
		}
		ended <- err
	})
	req, err := http.NewRequest(http.MethodGet, e.web.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Connection", "Upgrade")
	req.Header.Set("Upgrade", "capitals")
	resp, err := e.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	c, ok := resp.Body.(io.ReadWriteCloser)
	if !ok || resp.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("got %s, and a %T", resp.Status, resp.Body)
	}
	lines := bufio.NewScanner(c)
	for i := range 100 {
		if _, err := fmt.Fprintf(c, "line %d\n", i); err != nil {
			t.Fatal(err)
		}
		if want := fmt.Sprintf("LINE %d", i); !lines.Scan() || lines.Text() != want {
			t.Fatalf("got %q, %v; want %q", lines.Text(), lines.Err(), want)
		}
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if err := await(t, ended); err != io.EOF {
		t.Errorf("the server's side ended with %v, want %v", err, io.EOF)
	}
}
