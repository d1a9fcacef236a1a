package evioloop

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"
)

func closeWrite(t *testing.T, c *testClient) {
	t.Helper()
	if err := c.Conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
}

// EVIO.md, 7: what was written before a half-close arrives, however slowly the
// client reads.
func TestOutputBeforeHalfClose(t *testing.T) {
	for _, asked := range []bool{true, false} {
		t.Run(fmt.Sprintf("client has sent something %v", asked), func(t *testing.T) {
			payload := random(t, 8<<20)
			ended := make(chan error, 1)
			c, client, _ := connect(t, &Server{Data: echo, Closed: func(_ *Conn, err error) { ended <- err }})
			if asked {
				ask(t, client, "x")
			}
			if _, err := c.Write(payload); err != nil || c.Buffered() == 0 {
				t.Fatalf("%v, %d bytes pending", err, c.Buffered())
			}
			ctx := c.Context()
			barrier(t, c)
			closeWrite(t, client)
			<-ctx.Done()
			if err := context.Cause(ctx); err != io.EOF {
				t.Errorf("the context's cause is %v", err)
			}
			if _, err := c.WriteString("late"); err != io.EOF {
				t.Errorf("a write after the end: %v", err)
			}
			noRegistration(t, c)
			got, err := io.ReadAll(slowly{client})
			if err != nil || !bytes.Equal(got, payload) {
				t.Errorf("%d bytes arrived of %d, or others: %v", len(got), len(payload), err)
			}
			if err := await(t, "Closed", ended); err != io.EOF {
				t.Errorf("closed with %v", err)
			}
		})
	}
}

// EVIO.md, 7, and the first of the two traps: with EOF a reply that is started
// after the half-close arrives, and evio's poll has forgotten the connection.
func TestReplyAfterHalfClose(t *testing.T) {
	eof := make(chan struct{})
	ended := make(chan error, 1)
	c, client, _ := connect(t, &Server{
		Data: func(*Conn, []byte) {},
		EOF: func(c *Conn) {
			close(eof)
		},
		Closed: func(_ *Conn, err error) { ended <- err },
	})
	send1(t, client, "question")
	closeWrite(t, client)
	await(t, "EOF", eof)
	noRegistration(t, c)
	if err := c.Context().Err(); err != nil {
		t.Errorf("the context has ended: %v", err)
	}
	payload := random(t, 8<<20)
	if err := c.Post(func() { _, _ = c.Write(payload); c.Close() }); err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(slowly{client})
	if err != nil || !bytes.Equal(got, payload) {
		t.Errorf("%d bytes arrived of %d, or others: %v", len(got), len(payload), err)
	}
	if err := await(t, "Closed", ended); !errors.Is(err, net.ErrClosed) {
		t.Errorf("closed with %v", err)
	}
}

// Without EOF, what is written after a half-close is refused.
func TestHalfCloseEndsTheConnection(t *testing.T) {
	ended := make(chan error, 1)
	c, client, _ := connect(t, &Server{Data: func(*Conn, []byte) {}, Closed: func(_ *Conn, err error) { ended <- err }})
	send1(t, client, "question")
	closeWrite(t, client)
	if err := await(t, "Closed", ended); err != io.EOF {
		t.Errorf("closed with %v", err)
	}
	if _, err := c.WriteString("late"); err != io.EOF {
		t.Errorf("a write after the end: %v", err)
	}
	wantEnd(t, client)
}

// An EOF callback that leaves the connection open keeps neither Serve nor a
// failed write from ending it.
func TestEOFWithoutClose(t *testing.T) {
	ended := make(chan error, 1)
	eof := make(chan *Conn, 1)
	s := &Server{Data: echo, EOF: func(c *Conn) { eof <- c }, Closed: func(_ *Conn, err error) { ended <- err }}
	c, client, stop := connect(t, s)
	ask(t, client, "x")
	client.Close()
	await(t, "EOF", eof)
	for {
		if _, err := c.WriteString("anyone there?"); err != nil { // the first is answered by a reset
			break
		}
	}
	if err := await(t, "Closed", ended); err == nil || err == io.EOF {
		t.Errorf("closed with %v", err)
	}

	client = &testClient{dial(t, client.server), nil}
	ask(t, client, "x")
	closeWrite(t, client)
	await(t, "EOF", eof)
	stop()
	await(t, "Closed", ended)
	wantEnd(t, client)
}

// noRegistration checks that evio's poll knows neither descriptor of c: it
// would report the end of file again and again. Call it while evio's
// descriptor is closed and the duplicate open.
func noRegistration(t *testing.T, c *Conn) {
	t.Helper()
	found := make(chan string, 1)
	if err := c.Post(func() {
		info, err := os.ReadFile(fmt.Sprintf("/proc/self/fdinfo/%d", c.run.pollFD))
		if err != nil {
			found <- err.Error()
			return
		}
		c.mu.Lock()
		ours := c.fd
		c.mu.Unlock()
		for line := range strings.Lines(string(info)) {
			var fd, events, data int
			if n, _ := fmt.Sscanf(line, "tfd: %d events: %x data: %x", &fd, &events, &data); n == 3 {
				if fd == ours || fd == c.evioFD {
					found <- line
					return
				}
			}
		}
		found <- ""
	}); err != nil {
		t.Fatal(err)
	}
	if line := await(t, "the registrations", found); line != "" {
		t.Errorf("evio still polls the connection: %s", line)
	}
}
