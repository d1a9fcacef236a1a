package frontendtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"testing"

	"github.com/valet-go/valet/loop"
)

// What was written before a half-close arrives, however slowly the client
// reads.
func outputBeforeHalfClose(t *testing.T, h Host) {
	for _, asked := range []bool{true, false} {
		t.Run(fmt.Sprintf("client has sent something %v", asked), func(t *testing.T) {
			payload := random(t, 8<<20)
			ended := make(chan error, 1)
			c, cl, _ := connect(t, h, &Server{Data: echo, Closed: func(_ Conn, err error) { ended <- err }})
			if asked {
				cl.ask(t, "x")
			}
			fill(t, c, payload)
			ctx := c.Context()
			barrier(t, c)
			cl.closeWrite(t)
			Await(t, "the context's end", ctx.Done())
			if err := context.Cause(ctx); err != io.EOF {
				t.Errorf("the context's cause is %v", err)
			}
			if _, err := c.WriteString("late"); err != io.EOF {
				t.Errorf("a write after the end: %v", err)
			}
			got, err := io.ReadAll(slowly{cl})
			if err != nil || !bytes.Equal(got, payload) {
				t.Errorf("%d bytes arrived of %d, or others: %v", len(got), len(payload), err)
			}
			if err := Await(t, "Closed", ended); err != io.EOF {
				t.Errorf("closed with %v", err)
			}
		})
	}
}

// With EOF a reply that is started after the half-close arrives.
func replyAfterHalfClose(t *testing.T, h Host) {
	eof := make(chan struct{})
	ended := make(chan error, 1)
	c, cl, _ := connect(t, h, &Server{
		Data:   drop,
		EOF:    func(Conn) { close(eof) },
		Closed: func(_ Conn, err error) { ended <- err },
	})
	cl.send(t, "question")
	cl.closeWrite(t)
	Await(t, "EOF", eof)
	if err := c.Context().Err(); err != nil {
		t.Errorf("the context has ended: %v", err)
	}
	payload := random(t, 8<<20)
	if err := c.Post(func() { _, _ = c.Write(payload); c.Close() }); err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(slowly{cl})
	if err != nil || !bytes.Equal(got, payload) {
		t.Errorf("%d bytes arrived of %d, or others: %v", len(got), len(payload), err)
	}
	if err := Await(t, "Closed", ended); !errors.Is(err, net.ErrClosed) {
		t.Errorf("closed with %v", err)
	}
}

// Without EOF, what is written after a half-close is refused.
func halfCloseEndsTheConnection(t *testing.T, h Host) {
	ended := make(chan error, 1)
	c, cl, _ := connect(t, h, &Server{Data: drop, Closed: func(_ Conn, err error) { ended <- err }})
	cl.send(t, "question")
	cl.closeWrite(t)
	if err := Await(t, "Closed", ended); err != io.EOF {
		t.Errorf("closed with %v", err)
	}
	if _, err := c.WriteString("late"); err != io.EOF {
		t.Errorf("a write after the end: %v", err)
	}
	cl.wantEnd(t)
}

// An EOF callback that leaves the connection open keeps neither Serve nor a
// failed write from ending it.
func eofWithoutClose(t *testing.T, h Host) {
	ended := make(chan error, 1)
	eof := make(chan Conn, 1)
	c, cl, stop := connect(t, h, &Server{Data: echo, EOF: func(c Conn) { eof <- c }, Closed: func(_ Conn, err error) { ended <- err }})
	cl.ask(t, "x")
	cl.Close()
	Await(t, "EOF", eof)
	for {
		if _, err := c.WriteString("anyone there?"); err != nil { // the first is answered by a reset
			break
		}
	}
	if err := Await(t, "Closed", ended); err == nil || err == io.EOF {
		t.Errorf("closed with %v", err)
	}

	cl = dial(t, cl.server)
	cl.ask(t, "x")
	cl.closeWrite(t)
	Await(t, "EOF", eof)
	stop()
	Await(t, "Closed", ended)
	cl.wantEnd(t)
}

// A connection that is kept for a reply is no longer the engine's, and does not
// end with it.
func keptOutlivesRestart(t *testing.T, h Host) {
	for _, stopped := range []bool{false, true} {
		t.Run(fmt.Sprintf("then the server stops %v", stopped), func(t *testing.T) {
			kept := make(chan Conn, 1)
			ended := make(chan error, 1)
			a, stop, running := serveRunning(t, h, &Server{
				Data: func(c Conn, in []byte) {
					switch string(in) {
					case "exit":
						runtime.Goexit()
					case "keep":
						c.SetValue("kept")
					default:
						echo(c, in)
					}
				},
				EOF: func(c Conn) {
					if c.Value() == nil {
						c.Close()
						return
					}
					kept <- c
				},
				Closed: func(c Conn, err error) {
					if c.Value() != nil {
						ended <- err
					}
				},
				PanicHandler: func(any, []byte) {},
			})
			cl := dial(t, a)
			cl.send(t, "keep")
			cl.closeWrite(t)
			c := Await(t, "EOF", kept)
			other := dial(t, a)
			other.send(t, "exit")
			other.wantEnd(t)
			for running.Restarts() == 0 { // the other loops may serve for a moment
				if got := askUntilServed(t, a); got != "again" {
					t.Errorf("got %q", got)
				}
			}
			barrier(t, c)
			want := net.ErrClosed
			if stopped {
				want = loop.ErrClosed
				stop()
			} else if err := c.Post(func() { _, _ = c.WriteString("reply"); c.Close() }); err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(cl)
			if err != nil || !stopped && string(got) != "reply" {
				t.Errorf("%q, %v", got, err)
			}
			if err := Await(t, "Closed", ended); !errors.Is(err, want) {
				t.Errorf("closed with %v", err)
			}
		})
	}
}
