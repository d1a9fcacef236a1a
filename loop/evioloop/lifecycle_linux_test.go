package evioloop

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/valet-go/valet/internal/leaktest"
	"github.com/valet-go/valet/loop"
)

func TestStopSendsWhatIsPending(t *testing.T) {
	payload := random(t, 4<<20)
	var mu sync.Mutex
	ends := map[*Conn][]error{}
	s := &Server{
		Data: func(c *Conn, in []byte) {
			if string(in) == "big" {
				_, _ = c.Write(payload)
			}
			_, _ = c.WriteString("!")
		},
		Closed: func(c *Conn, err error) { mu.Lock(); ends[c] = append(ends[c], err); mu.Unlock() },
	}
	a, stop := serve(t, s)
	idle, silent, big := dial(t, a), dial(t, a), dial(t, a)
	send1(t, idle, "x")
	send1(t, big, "big")
	for _, c := range []net.Conn{idle, big} {
		if _, err := io.ReadFull(c, make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
	}
	received := make(chan []byte)
	go func() {
		wantEnd(t, idle) // so the server is stopping before the other is read
		rest, _ := io.ReadAll(slowly{big})
		received <- rest
	}()
	stop()
	if got := <-received; !bytes.Equal(got, append(payload[1:len(payload):len(payload)], '!')) {
		t.Errorf("%d bytes arrived of %d, or others", len(got), len(payload))
	}
	wantEnd(t, silent)
	for c, errs := range ends {
		if len(errs) != 1 || !errors.Is(errs[0], loop.ErrClosed) {
			t.Errorf("%v closed with %v", c.RemoteAddr(), errs)
		}
		if err := context.Cause(c.Context()); !errors.Is(err, loop.ErrClosed) {
			t.Errorf("the context's cause is %v", err)
		}
	}
	if len(ends) != 3 {
		t.Errorf("Closed was called for %d of 3", len(ends))
	}
}

func TestGraceIsBounded(t *testing.T) {
	for _, grace := range []time.Duration{-1, time.Millisecond} {
		ended := make(chan error, 1)
		c, _, stop := connect(t, &Server{Data: echo, Grace: grace, Closed: func(_ *Conn, err error) { ended <- err }})
		if _, err := c.Write(make([]byte, 8<<20)); err != nil || c.Buffered() == 0 {
			t.Fatalf("%v, %d bytes pending", err, c.Buffered())
		}
		stop() // the client never reads
		if err := await(t, "Closed", ended); !errors.Is(err, loop.ErrClosed) {
			t.Errorf("closed with %v", err)
		}
	}
}

// EVIO.md, 9: evio's Signal may come before its Wait, and is then lost.
func TestStopAtOnce(t *testing.T) {
	for range 200 {
		ctx, cancel := context.WithCancel(context.Background())
		s := Server{Data: echo, Ready: func([]net.Addr) { cancel() }}
		if err := s.Serve(ctx, "tcp://127.0.0.1:0"); err != nil {
			t.Fatal(err)
		}
		if err := s.Serve(ctx, "tcp://127.0.0.1:0"); err != nil {
			t.Fatal(err)
		}
	}
}

// Evio closes the descriptor numbers of its listeners twice. That cannot be
// prevented, but the numbers that are free then are lower ones than theirs.
func TestListenersHaveHigherNumbersThanTheSpares(t *testing.T) {
	c, _, _ := connect(t, &Server{Data: echo})
	var spares, listeners []int
	done := make(chan struct{})
	if err := c.Post(func() { // the test before may still be closing some
		defer close(done)
		spares = append(spares, c.run.spares...)
		for _, fd := range descriptors(t) {
			n := atoi(fd)
			if on, err := unix.GetsockoptInt(n, unix.SOL_SOCKET, unix.SO_ACCEPTCONN); err == nil && on == 1 {
				listeners = append(listeners, n)
			}
		}
	}); err != nil {
		t.Fatal(err)
	}
	await(t, "the numbers", done)
	if len(spares) != spare || len(listeners) != 4 { // two listeners, two descriptors each
		t.Fatalf("spares %v, listeners %v", spares, listeners)
	}
	if slices.Max(spares) > slices.Min(listeners) {
		t.Errorf("spares %v, listeners %v", spares, listeners)
	}
}

func TestNoDescriptorIsLeftByClosedConnections(t *testing.T) {
	var ended atomic.Int64
	s := &Server{
		Data: func(c *Conn, in []byte) {
			_, _ = c.Write(in)
			if in[0] == 'c' {
				c.Close()
			}
		},
		Closed: func(*Conn, error) { ended.Add(1) },
	}
	c, client, _ := connect(t, s)
	ask(t, client, "x")
	before := len(leaktest.Descriptors())
	const cycles = 300
	for i := range cycles {
		one := dial(t, client.server)
		switch i % 3 {
		case 0:
			ask(t, one, "x")
		case 1:
			ask(t, one, "c")
			wantEnd(t, one)
		}
		one.Close()
	}
	for ended.Load() < cycles {
		barrier(t, c)
	}
	if after := len(leaktest.Descriptors()); after != before {
		t.Errorf("%d descriptors before, %d after", before, after)
	}
	n := make(chan int, 1)
	if err := c.Post(func() { n <- len(c.run.conns) }); err != nil {
		t.Fatal(err)
	}
	if n := await(t, "the count", n); n != 1 {
		t.Errorf("%d connections are known, want 1", n)
	}
}

func TestContextAndValue(t *testing.T) {
	ended := make(chan *Conn, 1)
	c, client, _ := connect(t, &Server{Data: echo, Closed: func(c *Conn, _ error) { ended <- c }})
	if c.Value() != nil {
		t.Error("a value from nowhere")
	}
	c.SetValue("state")
	ctx := c.Context()
	if ctx != c.Context() || ctx.Err() != nil {
		t.Error("not one living context")
	}
	ask(t, client, "x")
	client.Close()
	<-ctx.Done()
	if err := context.Cause(ctx); err != io.EOF {
		t.Errorf("cause %v", err)
	}
	await(t, "Closed", ended)
	if c.Value() != "state" {
		t.Errorf("value %v", c.Value())
	}

	client = &testClient{dial(t, client.server), nil}
	client.Close()
	late := await(t, "Closed", ended).Context() // made after the end
	if err := context.Cause(late); late.Err() == nil || err != io.EOF {
		t.Errorf("cause %v", err)
	}
}

func TestPanicsAreContained(t *testing.T) {
	for _, where := range []string{"Opened", "Data", "EOF", "Closed", "Post"} {
		t.Run(where, func(t *testing.T) {
			panics := make(chan string, 1)
			ended := make(chan error, 10)
			var armed atomic.Bool
			in := func(what string) {
				if what == where && armed.CompareAndSwap(true, false) {
					panic("oops in " + what)
				}
			}
			s := &Server{
				Opened: func(*Conn) { in("Opened") },
				Data: func(c *Conn, b []byte) {
					in("Data")
					b = bytes.Clone(b)
					_ = c.Post(func() { in("Post"); echo(c, b) })
				},
				Closed: func(_ *Conn, err error) { ended <- err; in("Closed") },
				PanicHandler: func(v any, stack []byte) {
					panics <- fmt.Sprint(v)
					if !strings.Contains(string(stack), "TestPanicsAreContained") {
						t.Errorf("the stack does not show where:\n%s", stack)
					}
				},
			}
			if where == "EOF" {
				s.EOF = func(c *Conn) { in("EOF"); c.Close() }
			}
			_, witness, _ := connect(t, s)
			ask(t, witness, "before")
			armed.Store(true)
			victim := &testClient{dial(t, witness.server), nil}
			if where != "Opened" {
				send1(t, victim, "x\n")
			}
			if where == "EOF" || where == "Closed" {
				closeWrite(t, victim)
			}
			if got := await(t, "the panic", panics); got != "oops in "+where {
				t.Errorf("got %q", got)
			}
			err := await(t, "Closed", ended)
			if where != "Closed" && (err == nil || !strings.Contains(err.Error(), "oops")) {
				t.Errorf("closed with %v", err)
			}
			if got := ask(t, witness, "after"); got != "after" {
				t.Errorf("got %q", got)
			}
		})
	}
}

// A Goexit ends evio's loop; evio is restarted on the same port, and nothing
// that was posted is lost.
func TestGoexitRestarts(t *testing.T) {
	ran := make(chan struct{}, 1)
	ended := make(chan error, 1)
	reports := make(chan any, 1)
	s := &Server{
		Data: func(c *Conn, in []byte) {
			if string(in) != "exit" {
				echo(c, in)
				return
			}
			_ = c.Post(func() { ran <- struct{}{} })
			runtime.Goexit()
		},
		Closed:       func(_ *Conn, err error) { ended <- err },
		PanicHandler: func(v any, _ []byte) { reports <- v },
	}
	_, client, stop := connect(t, s)
	send1(t, client, "exit")
	if v := await(t, "the report", reports); v != errGoexit {
		t.Errorf("reported %v", v)
	}
	wantEnd(t, client)
	await(t, "Closed", ended)
	await(t, "the posted function", ran)
	if got := askUntilServed(t, client.server); got != "again" {
		t.Errorf("got %q", got)
	}
	stop()
	if n := s.Restarts(); n != 1 {
		t.Errorf("%d restarts", n)
	}
}

// askUntilServed asks a server that may be about to be restarted.
func askUntilServed(t *testing.T, a net.Addr) string {
	t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); {
		c, err := net.Dial(a.Network(), a.String())
		if err != nil {
			runtime.Gosched()
			continue
		}
		_, _ = io.WriteString(c, "again")
		_ = c.SetDeadline(end)
		got := make([]byte, 5)
		_, err = io.ReadFull(c, got)
		c.Close()
		if err == nil {
			return string(got)
		}
	}
	t.Fatal("the server is not back")
	return ""
}
