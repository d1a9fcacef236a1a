package engine

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/valet-go/valet/cmd/internal/embedded"
	"github.com/valet-go/valet/internal/leaktest"
	"github.com/valet-go/valet/loop"
	"github.com/valet-go/valet/loop/httploop"
)

// ants and database/sql have goroutines from their init functions on.
func TestMain(m *testing.M) { leaktest.Main(m, goleak.IgnoreCurrent()) }

// startMySQL starts a server for the test.
func startMySQL(t *testing.T) *embedded.MySQL {
	t.Helper()
	my, err := embedded.StartMySQL()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := my.Close(); err != nil {
			t.Error(err)
		}
	})
	return my
}

// opened opens an engine whose lanes make the query for as long as the test runs.
func opened(t *testing.T, my *embedded.MySQL, sleep func(ms int) string) *Engine {
	t.Helper()
	e, err := open(t.Context(), Config{MySQL: my.DSN()}, sleep)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

// served serves the engine's page, and returns where.
func served(t *testing.T, e *Engine) (url string) {
	t.Helper()
	l, err := loop.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	srv := httploop.Server{Handler: func(x *httploop.Exchange) {
		if !e.Serve(x) {
			x.Error(http.StatusTeapot, "not the engine's")
		}
	}}
	ln, err := srv.Listen(l, "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return "http://" + ln.Addr().String()
}

// answer is what a request has led to.
type answer struct {
	status int
	header http.Header
	body   string
	err    error
}

// asking returns a client of the test's.
func asking(t *testing.T) *http.Client {
	transport := &http.Transport{} // without a proxy
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

func do(client *http.Client, method, url, contentType, body string) (a answer) {
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		return answer{err: err}
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	resp, err := client.Do(req)
	if err != nil {
		return answer{err: err}
	}
	defer resp.Body.Close()
	all, err := io.ReadAll(resp.Body)
	return answer{resp.StatusCode, resp.Header, string(all), err}
}

func get(client *http.Client, url string) answer { return do(client, http.MethodGet, url, "", "") }

// want fails the test unless the answer is like that.
func (a answer) want(t *testing.T, what string, status int, says string) {
	t.Helper()
	if a.err != nil || a.status != status || !strings.Contains(a.body, says) {
		t.Errorf("%s: %v, status %d, %.200q; want status %d, %q", what, a.err, a.status, a.body, status, says)
	}
}
