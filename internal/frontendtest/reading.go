package frontendtest

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/valet-go/valet/loop"
)

// held is the most that may be kept while reading is paused.
const mostHeld = 64 << 10

// collector gathers input on the loop, and fails if there is any while reading
// is paused.
type collector struct {
	t      *testing.T
	got    []byte
	paused bool
	wake   chan struct{} // after each piece
}

func newCollector(t *testing.T) *collector {
	return &collector{t: t, wake: make(chan struct{}, 1)}
}

func (k *collector) data(_ Conn, in []byte) {
	if k.paused {
		k.t.Error("Data while reading is paused")
	}
	k.got = append(k.got, in...)
	select {
	case k.wake <- struct{}{}:
	default:
	}
}

// wait returns when n bytes have come.
func (k *collector) wait(c Conn, n int) []byte {
	k.t.Helper()
	got := make(chan []byte, 1)
	for {
		if err := c.Post(func() { got <- k.got }); err != nil {
			k.t.Fatal(err)
		}
		if b := Await(k.t, "a posted function", got); len(b) >= n {
			return b
		}
		Await(k.t, "more input", k.wake)
	}
}

// firstConn is the connection that came first; the others may be of other loops.
type firstConn struct{ c atomic.Pointer[Conn] }

func (f *firstConn) is(c Conn) bool {
	f.c.CompareAndSwap(nil, &c)
	return *f.c.Load() == c
}

// onLoop runs f on c's loop.
func onLoop(t *testing.T, c Conn, f func()) {
	t.Helper()
	done := make(chan struct{})
	if err := c.Post(func() { defer close(done); f() }); err != nil {
		t.Fatal(err)
	}
	Await(t, "a posted function", done)
}

// others has other clients of c's server served meanwhile, so that what the
// loop would do with c it has done.
func others(t *testing.T, cl *client, n int) {
	t.Helper()
	for range n {
		one := dial(t, cl.server)
		one.send(t, "x")
		one.closeWrite(t)
		one.wantEnd(t)
		one.Close()
	}
}

func pauseInData(t *testing.T, h Host) {
	k := newCollector(t)
	var first firstConn
	c, cl, _ := connect(t, h, &Server{
		Opened: func(c Conn) { first.is(c) },
		Data: func(c Conn, in []byte) {
			if first.is(c) {
				k.data(c, in)
				c.PauseReading()
				c.PauseReading()
				k.paused = true
			}
		},
	})
	payload := random(t, 8<<20)
	sent := make(chan error, 1)
	go func() {
		_, err := cl.Write(payload)
		sent <- err
	}()
	for len(k.wait(c, 1)) < len(payload) {
		others(t, cl, 1)
		if n := h.Held(c); n > mostHeld {
			t.Fatalf("%d bytes are kept", n)
		}
		before := 0
		onLoop(t, c, func() { before = len(k.got); k.paused = false; c.ResumeReading(); c.ResumeReading() })
		k.wait(c, before+1)
	}
	if err := Await(t, "the client's end", sent); err != nil {
		t.Error(err)
	}
	if !bytes.Equal(k.got, payload) {
		t.Error("the input differs")
	}
}

func pauseInOpened(t *testing.T, h Host) {
	k := newCollector(t)
	var first firstConn
	c, cl, _ := connect(t, h, &Server{
		Opened: func(c Conn) {
			if first.is(c) {
				c.PauseReading()
				k.paused = true
			}
		},
		Data: func(c Conn, in []byte) {
			if first.is(c) {
				k.data(c, in)
			}
		},
	})
	payload := random(t, 1<<20)
	go func() { _, _ = cl.Write(payload) }()
	others(t, cl, 10)
	if n := h.Held(c); n > mostHeld {
		t.Errorf("%d bytes are kept", n)
	}
	onLoop(t, c, func() { k.paused = false; c.ResumeReading() })
	if got := k.wait(c, len(payload)); !bytes.Equal(got, payload) {
		t.Error("the input differs")
	}
}

// Reading is paused and resumed by another goroutine, again and again: nothing
// is lost or out of order.
func pauseFromElsewhere(t *testing.T, h Host) {
	r := rand.New(seeded(t))
	k := newCollector(t)
	c, cl, _ := connect(t, h, &Server{Data: k.data})
	payload := random(t, 16<<20)
	sent := make(chan error, 1)
	go func() {
		_, err := cl.Write(payload)
		sent <- err
	}()
	for done := false; !done; {
		c.PauseReading()
		for range r.IntN(3) {
			barrier(t, c)
		}
		if n := h.Held(c); n > mostHeld {
			t.Fatalf("%d bytes are kept", n)
		}
		c.ResumeReading()
		for range r.IntN(3) {
			barrier(t, c)
		}
		select {
		case err := <-sent:
			if err != nil {
				t.Error(err)
			}
			done = true
		default:
		}
	}
	if got := k.wait(c, len(payload)); !bytes.Equal(got, payload) {
		t.Error("the input differs")
	}
}

func closeWhilePaused(t *testing.T, h Host) {
	for _, pending := range []bool{false, true} {
		ended := make(chan error, 1)
		c, cl, _ := connect(t, h, &Server{
			Opened: func(c Conn) { c.PauseReading() },
			Data:   func(Conn, []byte) { t.Error("Data while reading is paused, or after Close") },
			Closed: func(_ Conn, err error) { ended <- err },
		})
		cl.send(t, "something that is never read")
		barrier(t, c)
		barrier(t, c)
		payload := random(t, 8<<20)
		if pending {
			fill(t, c, payload)
		}
		c.Close()
		c.ResumeReading()
		got, err := io.ReadAll(cl)
		// What was not read makes the system reset the connection, which may
		// overtake the end.
		if pending && err == nil && !bytes.Equal(got, payload) {
			t.Errorf("%d bytes arrived of %d", len(got), len(payload))
		}
		if err := Await(t, "Closed", ended); !errors.Is(err, net.ErrClosed) {
			t.Errorf("closed with %v", err)
		}
	}
}

// What a client has sent before it half-closes comes before the end.
func halfCloseWhilePaused(t *testing.T, h Host) {
	k := newCollector(t)
	var first firstConn
	ended := make(chan error, 1)
	c, cl, _ := connect(t, h, &Server{
		Opened: func(c Conn) {
			if first.is(c) {
				c.PauseReading()
				k.paused = true
			}
		},
		Data: func(c Conn, in []byte) {
			if first.is(c) {
				k.data(c, in)
			}
		},
		EOF: func(c Conn) {
			if first.is(c) {
				if k.paused {
					t.Error("EOF while reading is paused")
				}
				_, _ = c.WriteString("reply")
			}
			c.Close()
		},
		Closed: func(c Conn, err error) {
			if first.is(c) {
				ended <- err
			}
		},
	})
	payload := random(t, 100<<10)
	if _, err := cl.Write(payload); err != nil {
		t.Fatal(err)
	}
	cl.closeWrite(t)
	others(t, cl, 10)
	if err := c.Context().Err(); err != nil {
		t.Errorf("the context has ended: %v", err)
	}
	onLoop(t, c, func() { k.paused = false; c.ResumeReading() })
	if got, err := io.ReadAll(cl); string(got) != "reply" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	if err := Await(t, "Closed", ended); !errors.Is(err, net.ErrClosed) {
		t.Errorf("closed with %v", err)
	}
	if !bytes.Equal(k.got, payload) {
		t.Errorf("%d bytes came of %d, or others", len(k.got), len(payload))
	}
}

func stopWhilePaused(t *testing.T, h Host) {
	ended := make(chan error, 1)
	c, cl, stop := connect(t, h, &Server{
		Grace:  Patience, // which must not be used up
		Opened: func(c Conn) { c.PauseReading() },
		Data:   func(Conn, []byte) { t.Error("Data while reading is paused") },
		Closed: func(_ Conn, err error) { ended <- err },
	})
	cl.send(t, "x")
	barrier(t, c)
	began := time.Now()
	stop()
	if time.Since(began) > Patience/2 {
		t.Error("the connection was not noticed to have ended")
	}
	if err := Await(t, "Closed", ended); !errors.Is(err, loop.ErrClosed) {
		t.Errorf("closed with %v", err)
	}
}

// A client whose input is not read gets all output, and its input afterwards is
// whole.
func outputWhilePaused(t *testing.T, h Host) {
	k := newCollector(t)
	c, cl, _ := connect(t, h, &Server{Data: k.data})
	onLoop(t, c, func() { c.PauseReading(); k.paused = true })
	payload := random(t, 8<<20)
	fill(t, c, payload)
	cl.send(t, "input")
	got := make([]byte, len(payload))
	if _, err := io.ReadFull(slowly{cl}, got); err != nil || !bytes.Equal(got, payload) {
		t.Errorf("the output differs: %v", err)
	}
	onLoop(t, c, func() { k.paused = false; c.ResumeReading() })
	if got := k.wait(c, 5); string(got) != "input" {
		t.Errorf("got %q", got)
	}
}
