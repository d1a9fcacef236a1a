package frontendtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/valet-go/valet/fakesock"
	"github.com/valet-go/valet/loop"
)

func panicsAreContained(t *testing.T, h Host) {
	for _, where := range []string{"Opened", "Data", "EOF", "Closed", "Post", "SetHighWater"} {
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
				Opened: func(Conn) { in("Opened") },
				Data: func(c Conn, b []byte) {
					in("Data")
					if where == "SetHighWater" && armed.Load() {
						c.SetHighWater(0, func(bool) { in("SetHighWater") })
						_, _ = c.Write(make([]byte, 8<<20))
						return
					}
					b = bytes.Clone(b)
					_ = c.Post(func() { in("Post"); echo(c, b) })
				},
				Closed: func(_ Conn, err error) { ended <- err; in("Closed") },
				PanicHandler: func(v any, stack []byte) {
					panics <- fmt.Sprint(v)
					if !strings.Contains(string(stack), "panicsAreContained") {
						t.Errorf("the stack does not show where:\n%s", stack)
					}
				},
			}
			if where == "EOF" {
				s.EOF = func(c Conn) { in("EOF"); c.Close() }
			}
			_, witness, _ := connect(t, h, s)
			witness.ask(t, "before")
			armed.Store(true)
			victim := dial(t, witness.server)
			if where != "Opened" {
				victim.send(t, "x\n")
			}
			if where == "EOF" || where == "Closed" {
				victim.closeWrite(t)
			}
			if got := Await(t, "the panic", panics); got != "oops in "+where {
				t.Errorf("got %q", got)
			}
			victim.Close()
			if err := Await(t, "Closed", ended); where != "Closed" && err == nil {
				t.Errorf("closed with %v", err)
			}
			if got := witness.ask(t, "after"); got != "after" {
				t.Errorf("got %q", got)
			}
		})
	}
}

// A Goexit ends a loop of the engine; that is restarted on the same port, and
// nothing that was posted is lost.
func goexitRestarts(t *testing.T, h Host) {
	ran := make(chan struct{}, 1)
	ended := make(chan error, 2)
	reports := make(chan any, 1)
	a, stop, running := serveRunning(t, h, &Server{
		Data: func(c Conn, in []byte) {
			if string(in) != "exit" {
				echo(c, in)
				return
			}
			_ = c.Post(func() { ran <- struct{}{} })
			runtime.Goexit()
		},
		Closed:       func(_ Conn, err error) { ended <- err },
		PanicHandler: func(v any, _ []byte) { reports <- v },
	})
	bystander := dial(t, a)
	bystander.ask(t, "x")
	cl := dial(t, a)
	cl.send(t, "exit")
	if v := Await(t, "the report", reports); v != h.ErrGoexit {
		t.Errorf("reported %v", v)
	}
	cl.wantEnd(t)
	bystander.wantEnd(t)
	Await(t, "Closed", ended)
	Await(t, "Closed", ended)
	Await(t, "the posted function", ran)
	if got := askUntilServed(t, a); got != "again" {
		t.Errorf("got %q", got)
	}
	stop()
	if n := running.Restarts(); n != 1 {
		t.Errorf("%d restarts", n)
	}
}

// askUntilServed asks a server that may be about to be restarted.
func askUntilServed(t *testing.T, a net.Addr) string {
	t.Helper()
	for end := time.Now().Add(Patience); time.Now().Before(end); {
		c, err := net.Dial(a.Network(), a.String())
		if err != nil {
			runtime.Gosched()
			continue
		}
		_, _ = io.WriteString(c, "again")
		_ = c.SetDeadline(end) // a client that hangs fails the test
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

// A driver that is called in a callback, and would wait there, fails.
func blockingInACallbackFails(t *testing.T, h Host) {
	l, err := loop.Start(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	d := &fakesock.Dialer{Loop: l}
	backend, err := d.Dial("tcp", silent.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer backend.Close()
	try := func(where string) {
		if _, err := backend.Read(make([]byte, 1)); !errors.Is(err, loop.ErrWouldBlockLoop) {
			t.Errorf("%s: Read: %v", where, err)
		}
		if c, err := d.Dial("tcp", silent.Addr().String()); !errors.Is(err, loop.ErrWouldBlockLoop) {
			t.Errorf("%s: Dial: %v, %v", where, c, err)
		}
	}
	over := make(chan struct{})
	_, cl, _ := connect(t, h, &Server{
		Opened: func(Conn) { try("Opened") },
		Data: func(c Conn, _ []byte) {
			try("Data")
			if err := c.Post(func() { try("Post"); c.Close() }); err != nil {
				t.Error(err)
			}
		},
		Closed: func(Conn, error) { try("Closed"); close(over) },
	})
	cl.send(t, "x")
	cl.wantEnd(t)
	Await(t, "Closed", over)
}
