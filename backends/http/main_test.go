package http_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/valet-go/valet/adapter"
	valethttp "github.com/valet-go/valet/backends/http"
	"github.com/valet-go/valet/internal/leaktest"
	"github.com/valet-go/valet/loop"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

// patience is how long a test waits for what must happen before it fails.
const patience = 60 * time.Second

var bg = context.Background()

func newAdapter(t testing.TB, opts ...adapter.Option) *adapter.Adapter {
	t.Helper()
	l, err := loop.Start(bg)
	if err != nil {
		t.Fatal(err)
	}
	a := adapter.New(l, opts...)
	t.Cleanup(func() {
		if err := a.Close(bg); err != nil {
			t.Error(err)
		}
		l.Close()
	})
	return a
}

func newClient(t testing.TB, opts ...valethttp.Option) *valethttp.Client {
	t.Helper()
	c, err := valethttp.New(newAdapter(t), opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := adapter.WaitErr(func(cb func(error)) { c.Close(bg, cb) }); err != nil {
			t.Error(err)
		}
	})
	return c
}

func get(c *valethttp.Client, url string) (*valethttp.Response, error) {
	return adapter.Wait(func(cb func(*valethttp.Response, error)) { c.Get(bg, url, cb) })
}

func request(t testing.TB, method, url string, body io.Reader) *http.Request {
	t.Helper()
	req, err := http.NewRequest(method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	return req
}

func fetch(c *valethttp.Client, req *http.Request) (*valethttp.Response, error) {
	return adapter.Wait(func(cb func(*valethttp.Response, error)) { c.Fetch(req, cb) })
}

func stream(c *valethttp.Client, req *http.Request) (*valethttp.Streamed, error) {
	return adapter.Wait(func(cb func(*valethttp.Streamed, error)) { c.Stream(req, cb) })
}

// await receives from ch, or fails.
func await[T any](t testing.TB, what string, ch <-chan T) T {
	t.Helper()
	select {
	case v := <-ch:
		return v
	case <-time.After(patience):
		t.Fatalf("never came: %s", what)
	}
	panic("unreachable")
}

// site is a server that the tests ask.
type site struct {
	*httptest.Server
	waits chan struct{} // a request to /wait, or the rest of /stuck, has begun
	left  chan struct{} // and its client has left
	free  chan struct{} // closed: they are answered
}

func newSite(t testing.TB, start func(*httptest.Server)) *site {
	s := &site{waits: make(chan struct{}, 100), left: make(chan struct{}, 100), free: make(chan struct{})}
	mux := http.NewServeMux()
	mux.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Proto", r.Proto)
		fmt.Fprintf(w, "%s ", r.Method)
		_, _ = io.Copy(w, r.Body)
	})
	mux.HandleFunc("/from", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/echo", http.StatusFound) })
	mux.HandleFunc("/round", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/round", http.StatusFound) })
	mux.HandleFunc("/length", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1000")
		_, _ = io.WriteString(w, strings.Repeat("a", 1000))
	})
	mux.HandleFunc("/chunks", func(w http.ResponseWriter, _ *http.Request) {
		for range 10 {
			_, _ = io.WriteString(w, strings.Repeat("a", 100))
			w.(http.Flusher).Flush()
		}
	})
	mux.HandleFunc("/large", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(large) })
	mux.HandleFunc("/short", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "10")
		_, _ = io.WriteString(w, "abc")
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	})
	mux.HandleFunc("/wait", s.wait)
	mux.HandleFunc("/stuck", func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "a piece")
		w.(http.Flusher).Flush()
		s.wait(w, r)
	})
	s.Server = httptest.NewUnstartedServer(mux)
	start(s.Server)
	t.Cleanup(s.Close)
	return s
}

func (s *site) wait(w http.ResponseWriter, r *http.Request) {
	s.waits <- struct{}{}
	select {
	case <-r.Context().Done():
		s.left <- struct{}{}
	case <-s.free:
		_, _ = io.WriteString(w, "at last")
	}
}

// large is a body of many pieces.
var large = []byte(strings.Repeat("0123456789", 100_000))

func plain(s *httptest.Server) { s.Start() }

func secure(s *httptest.Server) { s.StartTLS() }

func http2(s *httptest.Server) {
	s.EnableHTTP2 = true
	s.StartTLS()
}

// trust makes a client take the certificate of s.
func trust(s *site) valethttp.Option {
	if s.TLS == nil {
		return valethttp.WithTransport(nil)
	}
	return valethttp.WithTransport(&http.Transport{TLSClientConfig: s.Client().Transport.(*http.Transport).TLSClientConfig})
}

// onSites runs a test over TCP, TLS and HTTP/2.
func onSites(t *testing.T, test func(t *testing.T, s *site, c *valethttp.Client)) {
	for _, kind := range []struct {
		name  string
		start func(*httptest.Server)
	}{{"plain", plain}, {"TLS", secure}, {"HTTP2", http2}} {
		t.Run(kind.name, func(t *testing.T) {
			s := newSite(t, kind.start)
			test(t, s, newClient(t, trust(s)))
		})
	}
}
