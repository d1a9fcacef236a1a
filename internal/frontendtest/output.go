package frontendtest

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"sync"
	"testing"
)

func echoes(t *testing.T, h Host) {
	for _, network := range []string{"tcp", "unix"} {
		t.Run(network, func(t *testing.T) {
			addr := "tcp://127.0.0.1:0"
			if network == "unix" {
				addr = "unix://" + filepath.Join(t.TempDir(), "s")
			}
			a, _ := serve(t, h, &Server{Data: echo}, addr)
			payload := random(t, 1<<20)
			var wg sync.WaitGroup
			for range 8 {
				c := dial(t, a)
				wg.Go(func() {
					go func() { _, _ = c.Write(payload) }()
					got := make([]byte, len(payload))
					if _, err := io.ReadFull(c, got); err != nil {
						t.Error(err)
					} else if !bytes.Equal(got, payload) {
						t.Error("the echo differs")
					}
				})
			}
			wg.Wait()
		})
	}
}

// Pending output is neither overwritten by later output, from whichever
// goroutine, nor dropped by a close.
func largeOutputToSlowReader(t *testing.T, h Host) {
	payload := random(t, 16<<20+1)
	half := len(payload) / 2 // more than the system takes, 4 MiB, while the client does not read
	ended := make(chan error, 1)
	c, cl, _ := connect(t, h, &Server{
		Data:   func(c Conn, _ []byte) { _, _ = c.Write(payload[:half]) },
		Closed: func(_ Conn, err error) { ended <- err },
	})
	cl.send(t, "go")
	first := make([]byte, 1)
	if _, err := io.ReadFull(cl, first); err != nil {
		t.Fatal(err)
	}
	barrier(t, c)
	if c.Buffered() == 0 {
		t.Fatal("nothing is pending; the test tests nothing")
	}
	for i := half; i < len(payload)-1; i += 4096 {
		if _, err := c.Write(payload[i:min(i+4096, len(payload)-1)]); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Post(func() { _, _ = c.Write(payload[len(payload)-1:]); c.Close() }); err != nil {
		t.Fatal(err)
	}
	rest, err := io.ReadAll(slowly{cl})
	if err != nil {
		t.Fatal(err)
	}
	if got := append(first, rest...); !bytes.Equal(got, payload) {
		t.Fatalf("%d bytes arrived of %d, or others", len(got), len(payload))
	}
	if err := Await(t, "Closed", ended); !errors.Is(err, net.ErrClosed) {
		t.Errorf("closed with %v", err)
	}
	if n := c.Buffered(); n != 0 {
		t.Errorf("%d bytes are still buffered", n)
	}
}

func inputWhileOutputIsPending(t *testing.T, h Host) {
	const n = 1 << 20
	got := 0
	all := make(chan struct{})
	c, cl, _ := connect(t, h, &Server{Data: func(_ Conn, in []byte) {
		if got += len(in); got == n {
			close(all)
		}
	}})
	fill(t, c, make([]byte, 8<<20))
	if _, err := cl.Write(make([]byte, n)); err != nil {
		t.Fatal(err)
	}
	Await(t, "the input", all)
}

func writesDoNotMix(t *testing.T, h Host) {
	const writers, lines = 16, 500
	c, cl, _ := connect(t, h, &Server{Data: echo})
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range lines {
				if _, err := c.WriteString(fmt.Sprintf("%d %d %01000d\n", w, i, 0)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	next := make([]int, writers)
	r := bufio.NewReader(cl)
	for range writers * lines {
		line, err := r.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		var w, i, zero int
		if _, err := fmt.Sscan(line, &w, &i, &zero); err != nil || next[w] != i || zero != 0 {
			t.Fatalf("line %.20q: %v", line, err)
		}
		next[w]++
	}
	wg.Wait()
}

func bufferFull(t *testing.T, h Host) {
	c, cl, _ := connect(t, h, &Server{Data: echo, MaxBuffered: 8 << 20})
	if _, err := c.Write(make([]byte, 8<<20+1)); !errors.Is(err, h.ErrBufferFull) {
		t.Errorf("a write above the limit: %v", err)
	}
	fill(t, c, make([]byte, 8<<20))
	if n, err := c.Write(make([]byte, 8<<20)); n != 0 || !errors.Is(err, h.ErrBufferFull) {
		t.Errorf("a write that does not fit: %d, %v", n, err)
	}
	if _, err := c.WriteString(""); err != nil {
		t.Error(err)
	}
	if n, err := io.CopyN(io.Discard, cl, 8<<20); err != nil {
		t.Fatalf("%d bytes arrived: %v", n, err)
	}
	if got := cl.ask(t, "still here"); got != "still here" {
		t.Errorf("got %q", got)
	}
}

// A reset under pending output ends the connection, with the error.
func resetWhileOutputIsPending(t *testing.T, h Host) {
	ended := make(chan error, 1)
	c, cl, _ := connect(t, h, &Server{Data: echo, Closed: func(_ Conn, err error) { ended <- err }})
	fill(t, c, make([]byte, 8<<20))
	if err := cl.Conn.(*net.TCPConn).SetLinger(0); err != nil {
		t.Fatal(err)
	}
	ctx := c.Context()
	cl.Close()
	if err := Await(t, "Closed", ended); err == nil || errors.Is(err, net.ErrClosed) {
		t.Errorf("closed with %v", err)
	}
	Await(t, "the context's end", ctx.Done())
	if _, err := c.WriteString("x"); err == nil {
		t.Error("a write after the end succeeds")
	}
	if err := c.Close(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("a late Close: %v", err)
	}
}
