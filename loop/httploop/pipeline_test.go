package httploop

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/valet-go/valet/internal/rawhttp"
)

func TestPipelinedOutOfOrder(t *testing.T) {
	onHosts(t, func(t *testing.T, serve func(*testing.T, *Server) net.Addr) {
		s := newShelf()
		b := rawhttp.Dial(t, serve(t, &Server{Handler: s.hold}))
		for i := range 5 {
			b.Get(fmt.Sprintf("/hold/%d", i))
		}
		b.Get("/last")
		s.wait(t, 5)
		for _, i := range []int{3, 4, 1, 0, 2} {
			s.answer(t, fmt.Sprintf("/hold/%d", i))
		}
		for i := range 5 {
			b.Want(200, fmt.Sprintf("/hold/%d", i))
		}
		b.Want(200, "/last:")
		wantOpen(t, b)
	})
}

func TestMaxPipelined(t *testing.T) {
	onHosts(t, func(t *testing.T, serve func(*testing.T, *Server) net.Addr) {
		for _, most := range []int{1, 4} {
			s := newShelf()
			b := rawhttp.Dial(t, serve(t, &Server{Handler: s.hold, MaxPipelined: most}))
			const all = 50
			var in bytes.Buffer
			for i := range all {
				fmt.Fprintf(&in, "GET /hold/%d HTTP/1.1\r\nHost: a\r\n\r\n", i)
			}
			b.Send("%s", in.String())
			for next := 0; next < all; {
				n := min(most, all-next)
				s.wait(t, n)
				for range n {
					s.mu.Lock()
					if n := len(s.held); n > most {
						t.Errorf("%d wait; want %d at most", n, most)
					}
					s.mu.Unlock()
					path := fmt.Sprintf("/hold/%d", next)
					s.answer(t, path)
					b.Want(200, path)
					next++
				}
			}
			wantOpen(t, b)
		}
	})
}

// TestSlowReader asks for much without reading, and then reads it.
func TestSlowReader(t *testing.T) {
	onHosts(t, func(t *testing.T, serve func(*testing.T, *Server) net.Addr) {
		body := bytes.Repeat([]byte("0123456789abcdef"), 1<<16) // 1 MiB
		b := rawhttp.Dial(t, serve(t, &Server{Handler: func(x *Exchange) { x.Send(200, "", body) }}))
		const all = 32
		b.Send("%s", strings.Repeat("GET / HTTP/1.1\r\nHost: a\r\n\r\n", all))
		for range all {
			if got := b.Answer("GET"); got.Body != string(body) {
				t.Fatalf("%d bytes came", len(got.Body))
			}
		}
	})
}

// get1 is a request.
const get1 = "GET /1 HTTP/1.1\r\nHost: a\r\n\r\n"

func TestAnswersThatNobodyReadsHoldTheClientUp(t *testing.T) {
	handled := 0
	s := &Server{Handler: func(x *Exchange) {
		handled++
		x.Send(200, "", make([]byte, highWater+1))
	}}
	f := &fake{buffered: highWater + 1}
	s.Opened(f)
	s.Data(f, []byte(strings.Repeat(get1, 5)))
	f.run()
	if handled != 1 || !f.paused || f.room == nil {
		t.Fatalf("handled %d, paused %v", handled, f.paused)
	}
	f.room(true) // which says nothing new
	f.run()
	f.buffered = 0
	f.room(false)
	f.run()
	if handled != 5 || f.paused {
		t.Errorf("handled %d, paused %v", handled, f.paused)
	}
	s.Closed(f)
}

// TestALargeAnswerDoesNotStopReading is about answers that fall below the mark
// before the host has said that it was passed.
func TestALargeAnswerDoesNotStopReading(t *testing.T) {
	const large = 1<<20 + 300<<10
	onHosts(t, func(t *testing.T, serve func(*testing.T, *Server) net.Addr) {
		body := make([]byte, large)
		a := serve(t, &Server{BodyTimeout: 5 * time.Second, Handler: func(x *Exchange) { x.Send(200, "", body) }})
		for range 3 {
			b := rawhttp.Dial(t, a)
			for range 10 {
				b.Get("/")
				if n := len(b.Answer("GET").Body); n != large {
					t.Fatalf("%d bytes; want %d", n, large)
				}
			}
			b.Close()
		}
	})
}

// TestAMarkThatIsPassedNoMore has the host send, on a goroutine of its own, just
// when it is asked how much is left.
func TestAMarkThatIsPassedNoMore(t *testing.T) {
	handled := 0
	s := &Server{Handler: func(x *Exchange) {
		handled++
		x.Send(200, "", make([]byte, highWater+1))
	}}
	f := &draining{}
	s.Opened(f)
	s.Data(f, []byte(strings.Repeat(get1, 5)))
	f.run()
	if handled != 5 || f.paused || f.room != nil {
		t.Errorf("handled %d, paused %v", handled, f.paused)
	}
	s.Closed(f)
}

// draining has sent all whenever it is asked a second time.
type draining struct {
	fake
	asked int
}

func (d *draining) Buffered() int {
	d.asked++
	return d.asked % 2 * (highWater + 1)
}

func TestAHostThatTakesNoMoreOutput(t *testing.T) {
	s := &Server{Handler: func(x *Exchange) { x.Text(200, "") }}
	f := &fake{refuse: errors.New("full")}
	s.Opened(f)
	s.Data(f, []byte(get1))
	if !f.closed {
		t.Error("the connection goes on without an answer that is missing")
	}
	s.Closed(f)
}

// TestNoHandlerInsideSend answers while requests wait to be taken: they are
// handled later, so that whoever walks through a list may change it in handlers.
func TestNoHandlerInsideSend(t *testing.T) {
	var held []*Exchange
	inside := false
	s := &Server{MaxPipelined: 2, Handler: func(x *Exchange) {
		if inside {
			t.Error("the handler runs inside Send")
		}
		held = append(held, x)
	}}
	f := &fake{}
	s.Opened(f)
	s.Data(f, []byte(strings.Repeat(get1, 7)))
	for range 10 {
		free := held
		held = nil
		inside = true
		for _, x := range free {
			x.Text(200, "")
		}
		inside = false
		f.run()
	}
	if n := bytes.Count(f.out.Bytes(), []byte("HTTP/1.1 200")); n != 7 || f.paused {
		t.Errorf("%d answers, paused %v", n, f.paused)
	}
	s.Closed(f)
}
