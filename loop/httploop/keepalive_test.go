package httploop

import (
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/valet-go/valet/internal/rawhttp"
)

func TestKeepAlive(t *testing.T) {
	onHosts(t, func(t *testing.T, serve func(*testing.T, *Server) net.Addr) {
		b := rawhttp.Dial(t, serve(t, &Server{Handler: echo}))
		for i := range 3 {
			b.Send("POST /%d HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi", i)
			if got := b.Want(200, "/"+strconv.Itoa(i)+":hi"); got.Close || got.Header.Get("Date") == "" {
				t.Errorf("header %v, close %v", got.Header, got.Close)
			}
		}
		b.Send("GET / HTTP/1.1\r\nHost: a\r\nConnection: x, Close\r\n\r\n")
		if got := b.Want(200, "/:"); !got.Close {
			t.Error("the last answer does not say that it is")
		}
		b.WantEnd()
	})
}

func TestHTTP10(t *testing.T) {
	onHosts(t, func(t *testing.T, serve func(*testing.T, *Server) net.Addr) {
		a := serve(t, &Server{Handler: echo})
		b := rawhttp.Dial(t, a)
		for range 2 {
			b.Send("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n")
			if got := b.Want(200, "/:"); got.Header.Get("Connection") != "keep-alive" {
				t.Errorf("header %v", got.Header)
			}
		}
		b.Send("GET / HTTP/1.0\r\n\r\n")
		if got := b.Want(200, "/:"); !got.Close {
			t.Error("the last answer does not say that it is")
		}
		b.WantEnd()
	})
}

func TestAnswersWithoutBody(t *testing.T) {
	onHosts(t, func(t *testing.T, serve func(*testing.T, *Server) net.Addr) {
		b := rawhttp.Dial(t, serve(t, &Server{Handler: func(x *Exchange) {
			status, _ := strconv.Atoi(string(x.Request().URI().Path()[1:]))
			x.Text(status, "body")
		}}))
		b.Send("HEAD /200 HTTP/1.1\r\nHost: a\r\n\r\n")
		if got := b.Answer(http.MethodHead); got.ContentLength != 4 || got.Body != "" {
			t.Errorf("HEAD: length %d, body %q", got.ContentLength, got.Body)
		}
		for _, status := range []int{204, 304} {
			b.Get("/" + strconv.Itoa(status))
			got := b.Answer(http.MethodGet)
			if got.StatusCode != status || got.Body != "" || got.Header.Get("Content-Length")+got.Header.Get("Content-Type") != "" {
				t.Errorf("%d: %v, body %q", status, got.Header, got.Body)
			}
		}
		b.Get("/200")
		b.Want(200, "body")
	})
}

func TestClose(t *testing.T) {
	onHosts(t, func(t *testing.T, serve func(*testing.T, *Server) net.Addr) {
		s := newShelf()
		b := rawhttp.Dial(t, serve(t, &Server{Handler: s.hold}))
		b.Get("/hold/1")
		b.Get("/hold/2")
		s.wait(t, 2)
		x := s.take("/hold/1")
		run(t, x, func() {
			x.Close()
			x.Text(200, "1")
		})
		b.Get("/not served")
		s.answer(t, "/hold/2")
		if got := b.Want(200, "1"); got.Close {
			t.Error("the answer before the last says that it is the last")
		}
		if got := b.Want(200, "/hold/2"); !got.Close {
			t.Error("the last answer does not say that it is")
		}
		b.WantEnd()
	})
}

func TestExpectContinue(t *testing.T) {
	onHosts(t, func(t *testing.T, serve func(*testing.T, *Server) net.Addr) {
		s := newShelf()
		b := rawhttp.Dial(t, serve(t, &Server{Handler: s.hold, MaxBody: 10}))
		const asks = "POST /%s HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\nExpect: 100-continue\r\n\r\n"
		b.Send(asks, "1", 2)
		b.Want(100, "")
		b.Send("hi")
		b.Want(200, "/1:hi")

		b.Get("/hold") // the client is not asked before that is answered
		b.Send(asks, "2", 2)
		s.wait(t, 1)
		s.answer(t, "/hold")
		b.Want(200, "/hold")
		b.Want(100, "")
		b.Send("hi")
		b.Want(200, "/2:hi")

		b.Send(asks+"hi", "3", 2) // nor if it does not wait
		for got := b.Answer(http.MethodGet); got.StatusCode != 200; got = b.Answer(http.MethodGet) {
			if got.StatusCode != 100 {
				t.Fatal(got.Status)
			}
		}
		b.Send(asks, "4", 11)
		b.Want(413, "")
	})
}

func TestLimits(t *testing.T) {
	onHosts(t, func(t *testing.T, serve func(*testing.T, *Server) net.Addr) {
		a := serve(t, &Server{Handler: echo, MaxHeader: 100, MaxBody: 10})
		for name, test := range map[string]struct {
			in   string
			want int
		}{
			"header": {"GET /" + strings.Repeat("a", 100) + " HTTP/1.1\r\n", 431},
			"length": {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n", 413},
			"chunks": {chunks("6\r\n123456\r\n5\r\n"), 413},
			"syntax": {"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400},
		} {
			b := rawhttp.Dial(t, a)
			b.Send("%s", test.in)
			if got := b.Answer(http.MethodGet); got.StatusCode != test.want || !got.Close {
				t.Errorf("%s: got %d, close %v; want %d", name, got.StatusCode, got.Close, test.want)
			}
		}
	})
}

// TestRefusalIsRead sends much more than is taken: the client must be able to
// read why, although nobody reads what it sends.
func TestRefusalIsRead(t *testing.T) {
	onHosts(t, func(t *testing.T, serve func(*testing.T, *Server) net.Addr) {
		a := serve(t, &Server{Handler: echo, MaxBody: 10})
		for range 20 {
			b := rawhttp.Dial(t, a)
			b.Send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 300000\r\n\r\n")
			b.Send("%s", strings.Repeat("a", 300000))
			b.Want(413, "")
			b.HalfClose()
			b.WantEnd()
		}
	})
}
