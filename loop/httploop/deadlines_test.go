package httploop

import (
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/valet-go/valet/internal/frontendtest"
	"github.com/valet-go/valet/internal/rawhttp"
)

// The times are short, and what is waited for is that they end: how late is not
// looked at.

func TestTimeouts(t *testing.T) {
	const soon = 60 * time.Millisecond
	onHosts(t, func(t *testing.T, serve func(*testing.T, *Server) net.Addr) {
		t.Run("idle", func(t *testing.T) {
			a := serve(t, &Server{Handler: echo, IdleTimeout: soon})
			rawhttp.Dial(t, a).WantEnd()
			b := rawhttp.Dial(t, a)
			b.Get("/1")
			b.Want(200, "/1:")
			b.WantEnd()
		})
		// The long time, which runs first, must not delay the short one.
		t.Run("header", func(t *testing.T) {
			b := rawhttp.Dial(t, serve(t, &Server{Handler: echo, HeaderTimeout: soon, IdleTimeout: time.Hour}))
			b.Send("GET / HT")
			b.Want(408, "")
			b.HalfClose()
			b.WantEnd()
		})
		t.Run("body", func(t *testing.T) {
			b := rawhttp.Dial(t, serve(t, &Server{Handler: echo, BodyTimeout: soon, IdleTimeout: time.Hour}))
			b.Send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nhi")
			b.Want(408, "")
			b.HalfClose()
			b.WantEnd()
		})
		t.Run("behind an answer", func(t *testing.T) {
			s := newShelf()
			b := rawhttp.Dial(t, serve(t, &Server{Handler: s.hold, HeaderTimeout: soon, IdleTimeout: soon}))
			b.Get("/hold") // which has no time limit
			b.Send("GET / HT")
			s.wait(t, 1)
			x := s.take("/hold")
			// The refusal is queued behind it.
			for refused := false; !refused; {
				run(t, x, func() { refused = x.next != nil })
			}
			run(t, x, func() { x.Text(200, "at last") })
			b.Want(200, "at last")
			b.Want(408, "")
		})
		t.Run("refused", func(t *testing.T) {
			b := rawhttp.Dial(t, serve(t, &Server{Handler: echo, IdleTimeout: soon}))
			b.Send("what?\r\n\r\n")
			b.Want(400, "")
			b.WantEnd() // although the client does not leave
		})
		for name, ask := range map[string]func(b *rawhttp.Client){
			"unread": func(b *rawhttp.Client) { b.Get("/") },
			"unread behind the last answer": func(b *rawhttp.Client) {
				b.Send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
			},
			"unread, and half-closed": func(b *rawhttp.Client) {
				b.Get("/")
				b.HalfClose()
			},
		} {
			t.Run(name, func(t *testing.T) {
				const much = 8 << 20
				answered := make(chan *Exchange, 1)
				b := rawhttp.Dial(t, serve(t, &Server{BodyTimeout: soon, Handler: func(x *Exchange) {
					x.Send(200, "", make([]byte, much))
					answered <- x
				}}))
				ask(b)
				x := frontendtest.Await(t, "the request", answered)
				// Nobody reads, so that it can only be dropped.
				for left := 1; left > 0; {
					run(t, x, func() { left = x.k.c.Buffered() })
				}
				if n, _ := io.Copy(io.Discard, b); n >= much {
					t.Error("all was sent")
				}
			})
		}
	})
}

// expireAll lets the time of all clients be over.
func expireAll(s *Server) {
	s.deadlines.mu.Lock()
	for w := range s.deadlines.lists {
		for k := s.deadlines.lists[w].first; k != nil; k = k.w.next {
			k.w.until = 0
		}
	}
	s.deadlines.mu.Unlock()
	s.deadlines.expire()
}

// until is when the client's time is over, or 0.
func until(s *Server, f *fake) int64 {
	k := f.value.(*client)
	s.deadlines.mu.Lock()
	defer s.deadlines.mu.Unlock()
	if k.list == forNothing {
		return 0
	}
	return k.w.until
}

func TestEachRequestBeginsAnew(t *testing.T) {
	s := &Server{Handler: func(x *Exchange) { x.Text(200, "") }}
	for name, in := range map[string][2]string{
		"idle":   {get1, get1},
		"header": {get1 + "GET", " /1 HTTP/1.1\r\nHost: a\r\n\r\nGET"},
		"body":   {chunks("1"), "\r\na\r\n0\r\n\r\n" + chunks("1")},
	} {
		f := &fake{}
		s.Opened(f)
		s.Data(f, []byte(in[0]))
		before := until(s, f)
		s.Data(f, []byte(in[1]))
		if after := until(s, f); before == 0 || after <= before {
			t.Errorf("%s: until %d, then %d", name, before, after)
		}
		s.Closed(f)
	}
}

// What has come of another request is not waited for, nor refused, once the
// connection is to close.
func TestCloseFromACallback(t *testing.T) {
	for name, rest := range map[string]string{"header": "GET /2 HT", "body": "POST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nhi"} {
		var x *Exchange
		s := &Server{Handler: func(y *Exchange) { x = y }}
		f := &fake{}
		s.Opened(f)
		s.Data(f, []byte(get1+rest))
		if until(s, f) == 0 {
			t.Fatalf("%s: the part of a request has no time limit", name)
		}
		x.Close()
		expireAll(s)
		f.run()
		x.Text(200, "bye")
		if out := f.out.String(); !f.closed || !strings.HasSuffix(out, "bye") || strings.Count(out, "HTTP/1.1") != 1 {
			t.Errorf("%s: closed: %v, after %q", name, f.closed, out)
		}
		s.Closed(f)
	}
}

func TestJustInTime(t *testing.T) {
	s := &Server{Handler: func(x *Exchange) { x.Text(200, "") }}
	f := &fake{}
	s.Opened(f)
	expireAll(s) // posted, and meanwhile the request comes
	s.Data(f, []byte(get1))
	f.run()
	if f.closed {
		t.Error("a client that had just sent a request was disconnected")
	}
	expireAll(s)
	f.run()
	if !f.closed {
		t.Error("an idle client was not disconnected")
	}
	s.Closed(f)
}

func TestAReaderThatIsSlow(t *testing.T) {
	var last *Exchange
	s := &Server{Handler: func(x *Exchange) {
		if last = x; string(x.Request().URI().Path()) == "/1" {
			x.Text(200, "")
		}
	}}
	f := &fake{buffered: highWater + 100}
	s.Opened(f)
	s.Data(f, []byte(get1+"GET /2 HTTP/1.1\r\nHost: a\r\n\r\n"))
	for i := range 3 { // it reads a little each time
		f.buffered--
		if i == 1 {
			f.out.Reset()
			last.Text(200, "more")
			f.buffered += f.out.Len()
		}
		expireAll(s)
		f.run()
		if f.closed {
			t.Fatal("a client that reads was disconnected")
		}
	}
	expireAll(s)
	f.run()
	if !f.dropped {
		t.Error("a client that does not read was not disconnected")
	}
	s.Closed(f)
}

// TestAClosedReaderThatIsSlow is one that has had the last answer.
func TestAClosedReaderThatIsSlow(t *testing.T) {
	s := &Server{Handler: func(x *Exchange) { x.Text(200, "") }}
	for name, reads := range map[string]bool{"reads": true, "reads no more": false} {
		f := &fake{buffered: 100}
		s.Opened(f)
		s.Data(f, []byte("GET / HTTP/1.0\r\n\r\n"))
		if !f.closed {
			t.Fatal("not closed")
		}
		f.buffered--
		expireAll(s)
		f.run()
		if f.dropped {
			t.Errorf("%s: given up although it has read", name)
		}
		if reads {
			f.buffered--
		}
		expireAll(s)
		f.run()
		if f.dropped == reads {
			t.Errorf("%s: dropped %v", name, f.dropped)
		}
		s.Closed(f)
		if until(s, f) != 0 {
			t.Errorf("%s: time is counted for a client that is gone", name)
		}
	}
}

// TestAHalfClosedReaderThatIsSlow is answered after it has said that it sends no
// more.
func TestAHalfClosedReaderThatIsSlow(t *testing.T) {
	var x *Exchange
	s := &Server{Handler: func(y *Exchange) { x = y }}
	f := &fake{buffered: highWater + 100}
	s.Opened(f)
	s.Data(f, []byte(get1))
	s.EOF(f)
	x.Text(200, "")
	expireAll(s)
	f.run()
	if !f.dropped {
		t.Error("a client that does not read was not disconnected")
	}
	s.Closed(f)
}

// TestClosingForgetsNoProgress closes the connection of a client that has read
// something since it was last looked at.
func TestClosingForgetsNoProgress(t *testing.T) {
	s := &Server{Handler: func(x *Exchange) { x.Text(200, "") }}
	f := &fake{buffered: 2 * highWater}
	s.Opened(f)
	s.Data(f, []byte(get1))
	f.buffered--
	f.value.(*client).close()
	expireAll(s)
	f.run()
	if f.dropped {
		t.Error("given up although it has read")
	}
	expireAll(s)
	f.run()
	if !f.dropped {
		t.Error("not given up")
	}
	s.Closed(f)
}
