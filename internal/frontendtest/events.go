package frontendtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/valet-go/valet/internal/gid"
	"github.com/valet-go/valet/internal/owner"
	"github.com/valet-go/valet/loop"
)

func eventsComeInOrder(t *testing.T, h Host) {
	for _, test := range []struct {
		name    string
		withEOF bool
		end     func(t *testing.T, c Conn, cl *client, stop func())
		want    string
	}{
		{"the client closes", false, func(_ *testing.T, _ Conn, cl *client, _ func()) { cl.Close() }, "opened data closed:EOF"},
		{"the client closes, EOF", true, func(_ *testing.T, _ Conn, cl *client, _ func()) { cl.Close() }, "opened data eof closed:closed"},
		{"Close", true, func(_ *testing.T, c Conn, _ *client, _ func()) { c.Close() }, "opened data closed:closed"},
		{"stop", true, func(_ *testing.T, _ Conn, _ *client, stop func()) { stop() }, "opened data closed:stopped"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var mu sync.Mutex
			var events []string
			note := func(s string) { mu.Lock(); events = append(events, s); mu.Unlock() }
			over := make(chan struct{})
			s := &Server{
				Opened: func(Conn) { note("opened") },
				Data:   func(c Conn, in []byte) { note("data"); echo(c, in) },
				Closed: func(_ Conn, err error) {
					switch {
					case err == io.EOF:
						note("closed:EOF")
					case errors.Is(err, net.ErrClosed):
						note("closed:closed")
					case errors.Is(err, loop.ErrClosed):
						note("closed:stopped")
					default:
						note(fmt.Sprint("closed:", err))
					}
					close(over) // panics if it comes twice
				},
			}
			if test.withEOF {
				s.EOF = func(c Conn) { note("eof"); c.Close() }
			}
			c, cl, stop := connect(t, h, s)
			cl.ask(t, "x")
			test.end(t, c, cl, stop)
			Await(t, "Closed", over)
			stop()
			if got := strings.Join(events, " "); got != test.want {
				t.Errorf("%q, want %q", got, test.want)
			}
		})
	}
}

// All callbacks of a connection are on one goroutine, which is one of as many as
// there are loops, and marked as one that must not block.
func oneGoroutinePerLoop(t *testing.T, h Host) {
	clients := 16 * h.Loops
	var mu sync.Mutex
	goroutines := map[uintptr]int{}
	here := func(c Conn, what string) {
		id := gid.Current()
		if !owner.Here() {
			t.Errorf("%s: on a goroutine that may block", what)
		}
		if c.Value() == nil {
			mu.Lock()
			goroutines[id]++
			mu.Unlock()
			c.SetValue(id)
		} else if c.Value() != id {
			t.Errorf("%s: on another goroutine", what)
		}
	}
	over := make(chan struct{}, clients)
	a, stop := serve(t, h, &Server{
		Opened: func(c Conn) {
			here(c, "Opened")
			if err := c.Post(func() { here(c, "Post") }); err != nil {
				t.Error(err)
			}
		},
		Data: func(c Conn, in []byte) {
			here(c, "Data")
			in = bytes.Clone(in)
			go func() {
				if err := c.Post(func() { here(c, "Post from elsewhere"); echo(c, in) }); err != nil {
					t.Error(err)
				}
			}()
		},
		EOF:    func(c Conn) { here(c, "EOF"); c.Close() },
		Closed: func(c Conn, _ error) { here(c, "Closed"); over <- struct{}{} },
	})
	all := make([]*client, clients)
	for i := range all {
		all[i] = dial(t, a)
	}
	for _, cl := range all {
		cl.ask(t, "x")
	}
	for _, cl := range all {
		cl.Close()
	}
	for range all {
		Await(t, "Closed", over)
	}
	stop()
	if len(goroutines) != h.Loops {
		t.Errorf("%d goroutines for %d loops: %v", len(goroutines), h.Loops, goroutines)
	}
	if owner.Here() {
		t.Error("the test's goroutine is marked")
	}
}

func contextEndsWithTheReason(t *testing.T, h Host) {
	for _, test := range []struct {
		name string
		end  func(c Conn, cl *client, stop func())
		want error
	}{
		{"the client closes", func(_ Conn, cl *client, _ func()) { cl.Close() }, io.EOF},
		{"Close", func(c Conn, _ *client, _ func()) { c.Close() }, net.ErrClosed},
		{"stop", func(_ Conn, _ *client, stop func()) { stop() }, loop.ErrClosed},
	} {
		for _, early := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, asked for before %v", test.name, early), func(t *testing.T) {
				over := make(chan error, 1)
				c, cl, stop := connect(t, h, &Server{Data: echo, Closed: func(_ Conn, err error) { over <- err }})
				cl.ask(t, "x")
				if early {
					if ctx := c.Context(); ctx.Err() != nil || ctx != c.Context() {
						t.Error("not one living context")
					}
				}
				test.end(c, cl, stop)
				if err := Await(t, "Closed", over); !errors.Is(err, test.want) {
					t.Errorf("closed with %v", err)
				}
				ctx := c.Context()
				Await(t, "the context's end", ctx.Done())
				if err := context.Cause(ctx); !errors.Is(err, test.want) {
					t.Errorf("the cause is %v", err)
				}
			})
		}
	}
}

func valueAndAddresses(t *testing.T, h Host) {
	over := make(chan struct{})
	c, cl, _ := connect(t, h, &Server{Data: echo, Closed: func(Conn, error) { close(over) }})
	if c.Value() != nil {
		t.Error("a value from nowhere")
	}
	c.SetValue("state")
	check := func(when string) {
		if got := c.LocalAddr().String(); got != cl.server.String() {
			t.Errorf("%s: local address %s, want %s", when, got, cl.server)
		}
		if got := c.RemoteAddr().String(); got != cl.LocalAddr().String() {
			t.Errorf("%s: remote address %s, want %s", when, got, cl.LocalAddr())
		}
	}
	check("open")
	cl.Close()
	Await(t, "Closed", over)
	check("closed")
	if c.Value() != "state" {
		t.Errorf("value %v", c.Value())
	}
}

func closeInAnyCallback(t *testing.T, h Host) {
	t.Run("Opened", func(t *testing.T) {
		_, cl, _ := connect(t, h, &Server{Data: echo, Opened: func(c Conn) {
			_, _ = c.WriteString("bye")
			c.Close()
		}})
		if got, err := io.ReadAll(cl); string(got) != "bye" || err != nil {
			t.Errorf("%q, %v", got, err)
		}
	})
	t.Run("Data, with more input waiting", func(t *testing.T) {
		var calls atomic.Int64
		_, cl, stop := connect(t, h, &Server{Data: func(c Conn, _ []byte) {
			calls.Add(1)
			_, _ = c.WriteString("bye")
			if err := c.Close(); err != nil {
				t.Errorf("Close: %v", err)
			}
			if err := c.Close(); !errors.Is(err, net.ErrClosed) {
				t.Errorf("a second Close: %v", err)
			}
			if _, err := c.WriteString("more"); !errors.Is(err, net.ErrClosed) {
				t.Errorf("a write after Close: %v", err)
			}
		}})
		cl.send(t, "one")
		if got, err := io.ReadAll(cl); string(got) != "bye" || err != nil {
			t.Errorf("%q, %v", got, err)
		}
		_, _ = io.WriteString(cl, "two") // may find the connection reset
		stop()
		if n := calls.Load(); n != 1 {
			t.Errorf("Data was called %d times", n)
		}
	})
}
