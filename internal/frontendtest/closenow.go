package frontendtest

import (
	"errors"
	"io"
	"net"
	"testing"
)

// closeNowDropsOutput ends connections whose clients do not read, in every state
// in which output may wait for them.
func closeNowDropsOutput(t *testing.T, h Host) {
	const much = 8 << 20
	for name, begin := range map[string]func(t *testing.T, c Conn, cl *client, eof <-chan struct{}){
		"open":   func(*testing.T, Conn, *client, <-chan struct{}) {},
		"closed": func(_ *testing.T, c Conn, _ *client, _ <-chan struct{}) { c.Close() },
		"paused": func(t *testing.T, c Conn, _ *client, _ <-chan struct{}) {
			c.PauseReading()
			barrier(t, c)
		},
		"closed while paused": func(t *testing.T, c Conn, _ *client, _ <-chan struct{}) {
			c.PauseReading()
			barrier(t, c)
			c.Close()
		},
		"half-closed": func(t *testing.T, _ Conn, cl *client, eof <-chan struct{}) {
			cl.closeWrite(t)
			Await(t, "EOF", eof)
		},
		"half-closed, then closed": func(t *testing.T, c Conn, cl *client, eof <-chan struct{}) {
			cl.closeWrite(t)
			Await(t, "EOF", eof)
			c.Close()
		},
	} {
		t.Run(name, func(t *testing.T) {
			eof := make(chan struct{})
			ended := make(chan error, 1)
			c, cl, _ := connect(t, h, &Server{
				Data:   echo,
				EOF:    func(Conn) { close(eof) },
				Closed: func(_ Conn, err error) { ended <- err },
			})
			cl.ask(t, "x")
			fill(t, c, make([]byte, much))
			begin(t, c, cl, eof)
			if c.Buffered() == 0 {
				t.Fatal("nothing is pending; the test tests nothing")
			}
			ctx := c.Context()
			c.CloseNow()
			c.CloseNow()
			Await(t, "the context's end", ctx.Done())
			if n := c.Buffered(); n != 0 {
				t.Errorf("%d bytes are still buffered", n)
			}
			if err := Await(t, "Closed", ended); !errors.Is(err, net.ErrClosed) {
				t.Errorf("closed with %v", err)
			}
			if _, err := c.WriteString("late"); err == nil {
				t.Error("a write after the end succeeds")
			}
			wantReset(t, cl, much)
		})
	}
}

func closeNowOfClosed(t *testing.T, h Host) {
	ended := make(chan error, 2)
	c, cl, _ := connect(t, h, &Server{Data: echo, Closed: func(_ Conn, err error) { ended <- err }})
	cl.Close()
	if err := Await(t, "Closed", ended); err != io.EOF {
		t.Errorf("closed with %v", err)
	}
	c.CloseNow()
	barrier(t, c)
	if len(ended) > 0 {
		t.Error("Closed was called again")
	}
	if err := c.Close(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("a late Close: %v", err)
	}
}

// closeNowOnBusyLoop ends a connection whose client reads on, when the engine
// cannot close it yet: what has come must not look like all there is.
func closeNowOnBusyLoop(t *testing.T, h Host) {
	const much = 8 << 20
	ended := make(chan error, 1)
	c, cl, _ := connect(t, h, &Server{Data: echo, Closed: func(_ Conn, err error) { ended <- err }})
	cl.ask(t, "x")
	fill(t, c, make([]byte, much))
	occupied, release := make(chan struct{}), make(chan struct{})
	if err := c.Post(func() { close(occupied); <-release }); err != nil {
		t.Fatal(err)
	}
	Await(t, "the posted function", occupied)
	c.CloseNow()
	wantReset(t, cl, much)
	close(release)
	if err := Await(t, "Closed", ended); !errors.Is(err, net.ErrClosed) {
		t.Errorf("closed with %v", err)
	}
}

// closeNowAfterClose drops what only the system holds, as long as the host has
// not noticed that the connection ends.
func closeNowAfterClose(t *testing.T, h Host) {
	const much = 256 << 10
	ended := make(chan error, 1)
	c, cl, _ := connect(t, h, &Server{Data: echo, Closed: func(_ Conn, err error) { ended <- err }})
	if err := cl.Conn.(*net.TCPConn).SetReadBuffer(4 << 10); err != nil {
		t.Fatal(err)
	}
	cl.ask(t, "x")
	if err := c.Post(func() {
		if _, err := c.Write(make([]byte, much)); err != nil || c.Buffered() > 0 {
			t.Errorf("%v, %d bytes pending; the test would test nothing", err, c.Buffered())
		}
		c.Close()
		c.CloseNow()
	}); err != nil {
		t.Fatal(err)
	}
	if err := Await(t, "Closed", ended); !errors.Is(err, net.ErrClosed) {
		t.Errorf("closed with %v", err)
	}
	wantReset(t, cl, much)
}

// wantReset reads to the end, which has to come before the much that was written.
// A FIN would come behind what the system has taken.
func wantReset(t *testing.T, cl *client, much int64) {
	t.Helper()
	if n, err := io.Copy(io.Discard, cl); err == nil || n >= much {
		t.Errorf("%d bytes arrived, and then %v; want a reset", n, err)
	}
}
