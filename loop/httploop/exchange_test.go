package httploop

import (
	"bufio"
	"bytes"
	"encoding/json"
	"net"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/valet-go/valet/internal/frontendtest"
	"github.com/valet-go/valet/internal/rawhttp"
)

// panics reports whether f does.
func panics(f func()) (did bool) {
	defer func() { did = recover() != nil }()
	f()
	return
}

func TestPanics(t *testing.T) {
	onHosts(t, func(t *testing.T, serve func(*testing.T, *Server) net.Addr) {
		var heard atomic.Int32
		s := &Server{
			PanicHandler: func(v any, stack []byte) {
				if v != "the handler's" || !strings.Contains(string(stack), "exchange_test.go") {
					t.Errorf("%v\n%s", v, stack)
				}
				heard.Add(1)
			},
			Handler: func(x *Exchange) {
				switch string(x.Request().URI().Path()) {
				case "/answered":
					x.Text(200, "answered")
				case "/kept":
					x.Keep()
				case "/open":
					echo(x)
					return
				}
				panic("the handler's")
			},
		}
		a := serve(t, s)
		for path, want := range map[string]int{"/": 500, "/answered": 200, "/kept": 500} {
			b := rawhttp.Dial(t, a)
			b.Get(path)
			b.Get("/not served")
			b.Want(want, "")
			b.WantEnd()
		}
		if n := heard.Load(); n != 3 {
			t.Errorf("heard of %d", n)
		}
		wantOpen(t, rawhttp.Dial(t, a))
	})
}

func TestGoexitClosesTheConnection(t *testing.T) {
	s := &Server{Handler: func(*Exchange) { runtime.Goexit() }}
	f := &fake{}
	s.Opened(f)
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.Data(f, []byte(get1+get1))
	}()
	<-done
	if !f.closed {
		t.Error("the connection waits for an answer that nobody gives")
	}
	s.Closed(f)
}

func TestKeep(t *testing.T) {
	onHosts(t, func(t *testing.T, serve func(*testing.T, *Server) net.Addr) {
		came := make(chan *Exchange, 2)
		b := rawhttp.Dial(t, serve(t, &Server{Handler: func(x *Exchange) {
			if string(x.Request().Header.Method()) == "POST" {
				x.Keep()
				x.Keep() // once is enough
			}
			came <- x
		}}))
		b.Send("POST /kept HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody")
		kept := frontendtest.Await(t, "a request", came)
		b.Get("/other?" + strings.Repeat("x", 1000))
		other := frontendtest.Await(t, "a request", came)
		run(t, kept, func() {
			if other.Request() != nil {
				t.Error("a request that was not kept is still there")
			}
			req := kept.Request()
			kept.Send(200, string(req.URI().Path()), req.Body())
			if kept.Request() != nil {
				t.Error("a request is there after its answer")
			}
			other.Text(200, "")
		})
		if got := b.Want(200, "body"); got.Header.Get("Content-Type") != "/kept" {
			t.Errorf("content type %q", got.Header.Get("Content-Type"))
		}
	})
}

// TestRequestAfterSend looks at the request in the handler after the answer.
func TestRequestAfterSend(t *testing.T) {
	s := &Server{Handler: func(x *Exchange) {
		x.Send(200, string(x.Request().URI().Path()), x.Request().Body())
		if req := x.Request(); req == nil || string(req.Body()) != "abc" {
			t.Error("the request is gone before the handler has returned")
		}
	}}
	out, err := play(s, []byte(chunks("3\r\nabc\r\n0\r\n\r\n")))
	if err != nil || !strings.HasSuffix(string(out), "\r\n\r\nabc") {
		t.Errorf("%q, %v", out, err)
	}
}

func TestWhatSendAndHeadersRefuse(t *testing.T) {
	s := &Server{Handler: func(x *Exchange) {
		for _, f := range [][2]string{
			{"", "a"},
			{"a b", "c"},
			{"a:", "b"},
			{"a\r\nb", "c"},
			{"a", "b\r\nc: d"},
			{"a", "b\nc"},
			{"a", "\x00"},
			{"Content-Length", "1"},
			{"content-type", "a"},
			{"transfer-encoding", "chunked"},
			{"Connection", "close"},
			{"date", "x"},
		} {
			if !panics(func() { x.SetHeader(f[0], f[1]) }) {
				t.Errorf("SetHeader(%q, %q) does not panic", f[0], f[1])
			}
			if !panics(func() { x.AddHeader(f[0], f[1]) }) {
				t.Errorf("AddHeader(%q, %q) does not panic", f[0], f[1])
			}
		}
		for _, status := range []int{-1, 0, 100, 101, 199, 1000} {
			if !panics(func() { x.Send(status, "", nil) }) {
				t.Errorf("Send(%d) does not panic", status)
			}
		}
		if !panics(func() { x.Send(200, "a\r\nb: c", nil) }) {
			t.Error("Send takes any content type")
		}
		x.Text(299, "a")
		if !panics(func() { x.Text(200, "b") }) {
			t.Error("a second answer does not panic")
		}
	}}
	out, err := play(s, []byte(get1))
	if err != nil {
		t.Fatal(err)
	}
	if got := string(out); strings.Count(got, "HTTP/1.1") != 1 || !strings.HasSuffix(got, "\r\n\r\na") {
		t.Errorf("sent %q", got)
	}
}

func TestHeader(t *testing.T) {
	s := &Server{Handler: func(x *Exchange) {
		x.AddHeader("Set-Cookie", "gone=1")
		x.AddHeader("set-cookie", "gone=2")
		x.SetHeader("Set-Cookie", "a=1") // in place of both
		x.AddHeader("Set-Cookie", "b=2")
		x.SetHeader("X-a", "1")
		x.SetHeader("x-A", "2")
		x.Text(200, "")
	}}
	out, err := play(s, []byte(get1))
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(out)), nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := res.Header.Values("Set-Cookie"); !slices.Equal(got, []string{"a=1", "b=2"}) {
		t.Errorf("cookies %q", got)
	}
	if got := res.Header.Values("X-A"); !slices.Equal(got, []string{"2"}) {
		t.Errorf("X-A %q", got)
	}
}

func TestJSON(t *testing.T) {
	onHosts(t, func(t *testing.T, serve func(*testing.T, *Server) net.Addr) {
		b := rawhttp.Dial(t, serve(t, &Server{Handler: func(x *Exchange) {
			if string(x.Request().URI().Path()) == "/bad" {
				x.JSON(200, make(chan int))
				return
			}
			x.JSON(201, map[string]int{"a": 1})
		}}))
		b.Get("/")
		got := b.Want(201, `{"a":1}`)
		if !json.Valid([]byte(got.Body)) || got.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%q, %v", got.Body, got.Header)
		}
		b.Get("/bad")
		b.Want(500, "Internal Server Error\n")
	})
}
