package integration

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/valet-go/valet/adapter"
)

// httpTests run net/http in each of the httpWays, with the fake socket under the
// client or under the server.
var httpTests = []struct {
	name string
	run  func(*testing.T, *httpEnv)
}{
	{"requests share a connection that is kept alive", testHTTPKeepAlive},
	{"a call requests with a callback", testHTTPCall},
	{"bodies of many MiB go both ways at once", testHTTPLarge},
	{"what the server flushes arrives", testHTTPFlush},
	{"an ending context stops a body, and the server hears of it", testHTTPCancelBody},
	{"a deadline ends a request without an answer", testHTTPDeadline},
	{"a connection that the server closed is not used again", testHTTPServerCloses},
	{"a body is sent only if the server expects it", testHTTPExpectContinue},
	{"200 requests at once", testHTTPConcurrent},
}

func TestHTTPClient(t *testing.T) {
	runHTTP(t, listenNative, true)
}

// TestHTTPNative shows that the tests are right: they have no fake socket at all.
func TestHTTPNative(t *testing.T) {
	runHTTP(t, listenNative, false)
}

func runHTTP(t *testing.T, listen listenFunc, fakeClient bool) {
	for _, way := range httpWays {
		t.Run(way.name, func(t *testing.T) {
			for _, test := range httpTests {
				t.Run(test.name, func(t *testing.T) { test.run(t, newHTTPEnv(t, way, listen, fakeClient)) })
			}
		})
	}
}

func hello(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "hello") }

func testHTTPKeepAlive(t *testing.T, e *httpEnv) {
	e.serve(hello)
	for range 50 {
		if got, err := e.get(bg); err != nil || got != "hello" {
			t.Fatalf("got %q, %v", got, err)
		}
	}
	if n := e.dials.Load(); n != 1 {
		t.Errorf("%d connections were dialled", n)
	}
}

func testHTTPCall(t *testing.T, e *httpEnv) {
	e.serve(hello)
	got := must(e.env, func(cb func(string, error)) *adapter.Call { return adapter.Go(bg, e.a, e.get, cb) })
	if got != "hello" {
		t.Errorf("got %q", got)
	}
}

// echo answers with the body while that still comes in.
func echo(w http.ResponseWriter, r *http.Request) {
	_ = http.NewResponseController(w).EnableFullDuplex() // HTTP/2 always is
	w.Header().Set("Content-Type", "application/octet-stream")
	io.Copy(w, r.Body)
}

func testHTTPLarge(t *testing.T, e *httpEnv) {
	e.serve(echo)
	want := noise(24 << 20)
	for kind, body := range map[string]io.Reader{
		"of known size": bytes.NewReader(want), "chunked": io.MultiReader(bytes.NewReader(want)),
	} {
		got, err := readAnswer(e.client.Post(e.web.URL, "application/octet-stream", body))
		if err != nil || got != string(want) {
			t.Errorf("%s: got %d bytes of %d, %v", kind, len(got), len(want), err)
		}
	}
}

func testHTTPFlush(t *testing.T, e *httpEnv) {
	next := make(chan struct{})
	e.serve(func(w http.ResponseWriter, r *http.Request) {
		for i := range 20 {
			fmt.Fprintln(w, i)
			if err := http.NewResponseController(w).Flush(); err != nil {
				t.Error(err)
			}
			select { // it is read before the next is sent
			case <-next:
			case <-r.Context().Done():
				t.Error("the client went away")
				return
			}
		}
	})
	resp, err := e.client.Get(e.web.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	for i := range 20 {
		if !lines.Scan() || lines.Text() != fmt.Sprint(i) {
			t.Fatalf("line %d is %q, %v", i, lines.Text(), lines.Err())
		}
		next <- struct{}{}
	}
	if lines.Scan() || lines.Err() != nil {
		t.Errorf("after the end there is %q, %v", lines.Text(), lines.Err())
	}
}

func testHTTPCancelBody(t *testing.T, e *httpEnv) {
	for range 5 {
		heard, checked := make(chan struct{}), make(chan struct{})
		e.serve(func(w http.ResponseWriter, r *http.Request) {
			w.Write(noise(1 << 20))
			http.NewResponseController(w).Flush()
			<-r.Context().Done()
			close(heard)
			<-checked // or the client may still get the end of the body
		})
		ctx, cancel := context.WithCancel(bg)
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, e.web.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := e.client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(resp.Body, make([]byte, 1<<20)); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() {
			_, err := resp.Body.Read(make([]byte, 1)) // nothing comes
			ended <- err
		}()
		cancel()
		if err := await(t, ended); !errors.Is(err, context.Canceled) {
			t.Errorf("reading the body: %v, want %v", err, context.Canceled)
		}
		resp.Body.Close()
		await(t, heard)
		close(checked)
	}
	e.serve(hello)
	if got, err := e.get(bg); err != nil || got != "hello" {
		t.Errorf("afterwards: %q, %v", got, err)
	}
}

func testHTTPDeadline(t *testing.T, e *httpEnv) {
	e.serve(hello)
	if _, err := e.get(bg); err != nil { // a connection, whose dialling does not count
		t.Fatal(err)
	}
	checked := make(chan struct{})
	defer close(checked)
	e.serve(func(http.ResponseWriter, *http.Request) { <-checked })
	ctx, cancel := context.WithTimeout(bg, 50*time.Millisecond)
	defer cancel()
	if got, err := e.get(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %q, %v, want %v", got, err, context.DeadlineExceeded)
	}
}

func testHTTPServerCloses(t *testing.T, e *httpEnv) {
	e.serve(hello)
	for range 20 {
		got, err := e.get(bg)
		if err != nil && e.way.h2 {
			got, err = e.get(bg) // it does not try again by itself if it had not noticed yet
		}
		if err != nil || got != "hello" {
			t.Fatalf("got %q, %v", got, err)
		}
		e.web.CloseClientConnections()
	}
	// More, where one was closed in the middle of its handshake.
	if n := e.dials.Load(); n < 20 {
		t.Errorf("%d connections were dialled for 20 requests", n)
	}
}

// readCounter counts what is read of a body.
type readCounter struct {
	io.Reader
	n atomic.Int64
}

func (c *readCounter) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.n.Add(int64(n))
	return n, err
}

func testHTTPExpectContinue(t *testing.T, e *httpEnv) {
	for _, test := range []struct {
		path string
		want error
	}{{"/wanted", nil}, {"/unwanted", errors.New("403 Forbidden")}} {
		e.serve(func(w http.ResponseWriter, r *http.Request) {
			if test.want != nil {
				w.WriteHeader(http.StatusForbidden)
				return
			}
			echo(w, r)
		})
		body := &readCounter{Reader: strings.NewReader("a body")}
		req, err := http.NewRequest(http.MethodPost, e.web.URL+test.path, body)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Expect", "100-continue")
		got, err := readAnswer(e.client.Do(req))
		if fmt.Sprint(err) != fmt.Sprint(test.want) {
			t.Errorf("%s: %q, %v; want %v", test.path, got, err, test.want)
		}
		if sent := body.n.Load() > 0; sent != (test.want == nil) {
			t.Errorf("%s: the body was sent: %t", test.path, sent)
		}
	}
}

func testHTTPConcurrent(t *testing.T, e *httpEnv) {
	e.serve(echo)
	var wg sync.WaitGroup
	for i := range 200 {
		wg.Go(func() {
			want := strings.Repeat(fmt.Sprint(i, " "), 10_000)
			got, err := readAnswer(e.client.Post(e.web.URL, "text/plain", strings.NewReader(want)))
			if err != nil || got != want {
				t.Errorf("request %d: %d bytes of %d, %v", i, len(got), len(want), err)
			}
		})
	}
	wg.Wait()
}
