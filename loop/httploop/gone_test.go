package httploop

import (
	"context"
	"errors"
	"net"
	"runtime"
	"sync/atomic"
	"testing"

	"github.com/valet-go/valet/internal/frontendtest"
	"github.com/valet-go/valet/internal/rawhttp"
)

func TestHalfClose(t *testing.T) {
	onHosts(t, func(t *testing.T, serve func(*testing.T, *Server) net.Addr) {
		s := newShelf()
		b := rawhttp.Dial(t, serve(t, &Server{Handler: s.hold}))
		b.Get("/hold/1")
		b.Get("/2")
		b.Send("GET /half")
		s.wait(t, 1)
		b.HalfClose()
		s.answer(t, "/hold/1")
		b.Want(200, "/hold/1")
		b.Want(200, "/2:")
		b.WantEnd()
	})
}

// TestGone lets clients leave in every way: those that are waited for by OnGone
// are reported once, and what is answered then goes nowhere.
func TestGone(t *testing.T) {
	onHosts(t, func(t *testing.T, serve func(*testing.T, *Server) net.Addr) {
		for name, leave := range map[string]func(b *rawhttp.Client){
			"close":      func(b *rawhttp.Client) { b.Close() },
			"half-close": func(b *rawhttp.Client) { b.HalfClose() },
			"reset":      func(b *rawhttp.Client) { b.Reset() },
		} {
			came := make(chan *Exchange, 2)
			gone := make(chan struct{}, 10)
			var times atomic.Int32
			b := rawhttp.Dial(t, serve(t, &Server{Handler: func(x *Exchange) {
				x.OnGone(func() { t.Error("OnGone was not replaced") })
				x.OnGone(func() {
					times.Add(1)
					x.Text(200, "to nobody") // must do nothing
					gone <- struct{}{}
				})
				came <- x
			}}))
			b.Get("/1")
			b.Get("/2")
			x := frontendtest.Await(t, "a request", came)
			frontendtest.Await(t, "another", came)
			leave(b)
			frontendtest.Await(t, "OnGone", gone)
			frontendtest.Await(t, "OnGone", gone)
			ctx := x.Context()
			frontendtest.Await(t, "the end of the context", ctx.Done())
			if !errors.Is(ctx.Err(), context.Canceled) {
				t.Errorf("%s: %v", name, ctx.Err())
			}
			run(t, x, func() {
				if x.Request() != nil {
					t.Errorf("%s: the request is still there", name)
				}
				x.OnGone(func() { t.Error("it was answered") })
			})
			if n := times.Load(); n != 2 {
				t.Errorf("%s: OnGone ran %d times", name, n)
			}
		}
	})
}

func TestOnGoneAfterTheClientHasLeft(t *testing.T) {
	s := &Server{}
	var x *Exchange
	s.Handler = func(y *Exchange) { x = y }
	for name, leave := range map[string]func(f *fake){
		"closed":  func(f *fake) { s.Closed(f) },
		"no more": func(f *fake) { s.EOF(f) },
	} {
		f := &fake{}
		s.Opened(f)
		s.Data(f, []byte(get1))
		leave(f)
		ran := 0
		inside := true
		x.OnGone(func() {
			ran++
			if inside {
				t.Errorf("%s: it ran inside OnGone", name)
			}
		})
		inside = false
		f.run()
		s.Closed(f)
		f.run()
		if ran != 1 {
			t.Errorf("%s: it ran %d times", name, ran)
		}
		x.Text(200, "to nobody")
		if f.out.Len() > 0 {
			t.Errorf("%s: sent %q", name, f.out.Bytes())
		}
	}
}

// TestOneIsGivenUp half-closes behind a request that is answered nevertheless,
// and one that is not.
func TestOneIsGivenUp(t *testing.T) {
	var all []*Exchange
	s := &Server{Handler: func(x *Exchange) { all = append(all, x) }}
	f := &fake{}
	s.Opened(f)
	s.Data(f, []byte(get1+get1+get1))
	gone := 0
	all[1].OnGone(func() { gone++ })
	all[2].Text(200, "three")
	s.EOF(f)
	if gone != 1 || f.closed {
		t.Fatalf("gone %d, closed %v", gone, f.closed)
	}
	all[1].Text(200, "two")
	all[0].Text(200, "one")
	if got := statuses(t, f.out.Bytes()); got != "200" || !f.closed {
		t.Errorf("answered %s, closed %v", got, f.closed)
	}
	s.Closed(f)
}

func TestGoexitInOnGone(t *testing.T) {
	gone := 0
	s := &Server{Handler: func(x *Exchange) {
		x.OnGone(func() {
			gone++
			runtime.Goexit()
		})
	}}
	for name, leave := range map[string]func(Conn){"EOF": s.EOF, "Closed": s.Closed} {
		gone = 0
		f := &fake{}
		s.Opened(f)
		s.Data(f, []byte(get1+get1+get1))
		done := make(chan struct{})
		go func() {
			defer close(done)
			leave(f)
		}()
		<-done
		if gone != 3 {
			t.Errorf("%s: %d of 3 were told", name, gone)
		}
		if name == "EOF" && !f.closed {
			t.Error("a connection on which nothing waits is kept")
		}
		s.Closed(f)
	}
}
