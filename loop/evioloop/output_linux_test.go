package evioloop

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"sync"
	"testing"
)

type testClient struct {
	net.Conn
	server net.Addr
}

func descriptors(t *testing.T) []string {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Error(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func atoi(s string) int {
	n, _ := strconv.Atoi(s)
	return n
}

// EVIO.md, 1 and 8: pending output is neither overwritten by later output,
// from whichever goroutine, nor dropped by a close.
func TestLargeOutputToSlowReader(t *testing.T) {
	payload := random(t, 8<<20+1)
	half := len(payload) / 2
	ended := make(chan error, 1)
	c, client, _ := connect(t, &Server{
		Data:   func(c *Conn, _ []byte) { _, _ = c.Write(payload[:half]) },
		Closed: func(_ *Conn, err error) { ended <- err },
	})
	send1(t, client, "go")
	first := make([]byte, 1)
	if _, err := io.ReadFull(client, first); err != nil {
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
	rest, err := io.ReadAll(slowly{client})
	if err != nil {
		t.Fatal(err)
	}
	if got := append(first, rest...); !bytes.Equal(got, payload) {
		t.Fatalf("%d bytes arrived of %d, or others", len(got), len(payload))
	}
	if err := await(t, "Closed", ended); !errors.Is(err, net.ErrClosed) {
		t.Errorf("closed with %v", err)
	}
	if n := c.Buffered(); n != 0 {
		t.Errorf("%d bytes are still buffered", n)
	}
}

// slowly reads in small pieces.
type slowly struct{ io.Reader }

func (s slowly) Read(p []byte) (int, error) { return s.Reader.Read(p[:min(len(p), 1<<13)]) }

// barrier waits until what was posted before has run.
func barrier(t *testing.T, c *Conn) {
	t.Helper()
	done := make(chan struct{})
	if err := c.Post(func() { close(done) }); err != nil {
		t.Fatal(err)
	}
	await(t, "a posted function", done)
}

// EVIO.md, 5: with output pending evio reads nothing, and spins.
func TestInputWhileOutputIsPending(t *testing.T) {
	const n = 1 << 20
	got := 0
	all := make(chan struct{})
	c, client, _ := connect(t, &Server{Data: func(_ *Conn, in []byte) {
		if got += len(in); got == n {
			close(all)
		}
	}})
	if _, err := c.Write(make([]byte, 8<<20)); err != nil || c.Buffered() == 0 {
		t.Fatalf("%v, %d bytes pending", err, c.Buffered())
	}
	if _, err := client.Write(make([]byte, n)); err != nil {
		t.Fatal(err)
	}
	await(t, "the input", all)
}

func TestWritesOfManyGoroutinesDoNotMix(t *testing.T) {
	const writers, lines = 16, 500
	c, client, _ := connect(t, &Server{Data: echo})
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
	r := bufio.NewReader(client)
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

func TestBufferFull(t *testing.T) {
	c, client, _ := connect(t, &Server{Data: echo, MaxBuffered: 8 << 20})
	if _, err := c.Write(make([]byte, 8<<20+1)); !errors.Is(err, ErrBufferFull) {
		t.Errorf("a write above the limit: %v", err)
	}
	if _, err := c.Write(make([]byte, 8<<20)); err != nil || c.Buffered() == 0 {
		t.Fatalf("%v, %d bytes pending", err, c.Buffered())
	}
	if n, err := c.Write(make([]byte, 8<<20)); n != 0 || !errors.Is(err, ErrBufferFull) {
		t.Errorf("a write that does not fit: %d, %v", n, err)
	}
	if _, err := c.WriteString(""); err != nil {
		t.Error(err)
	}
	if n, err := io.CopyN(io.Discard, client, 8<<20); err != nil {
		t.Fatalf("%d bytes arrived: %v", n, err)
	}
	if got := ask(t, client, "still here"); got != "still here" {
		t.Errorf("got %q", got)
	}
}

// A reset under pending output ends the connection, with the error.
func TestResetWhileOutputIsPending(t *testing.T) {
	ended := make(chan error, 1)
	c, client, _ := connect(t, &Server{Data: echo, Closed: func(_ *Conn, err error) { ended <- err }})
	if _, err := c.Write(make([]byte, 8<<20)); err != nil {
		t.Fatal(err)
	}
	if err := client.Conn.(*net.TCPConn).SetLinger(0); err != nil {
		t.Fatal(err)
	}
	ctx := c.Context()
	client.Close()
	if err := await(t, "Closed", ended); err == nil || errors.Is(err, net.ErrClosed) {
		t.Errorf("closed with %v", err)
	}
	<-ctx.Done()
	if _, err := c.WriteString("x"); err == nil {
		t.Error("a write after the end succeeds")
	}
	if err := c.Close(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("a late Close: %v", err)
	}
}

func TestCloseFromAnyCallback(t *testing.T) {
	t.Run("Opened", func(t *testing.T) {
		_, client, _ := connect(t, &Server{Data: echo, Opened: func(c *Conn) {
			_, _ = c.WriteString("bye")
			c.Close()
		}})
		if got, err := io.ReadAll(client); string(got) != "bye" || err != nil {
			t.Errorf("%q, %v", got, err)
		}
	})
	t.Run("Data, with more input waiting", func(t *testing.T) {
		calls := make(chan string, 100)
		_, client, stop := connect(t, &Server{Data: func(c *Conn, in []byte) {
			calls <- string(in)
			_, _ = c.WriteString("bye")
			c.Close()
			_, err := c.WriteString("more")
			if !errors.Is(err, net.ErrClosed) {
				t.Errorf("a write after Close: %v", err)
			}
			if err := context.Cause(c.Context()); !errors.Is(err, net.ErrClosed) {
				t.Errorf("the context's cause is %v", err)
			}
		}})
		send1(t, client, "one")
		if got, err := io.ReadAll(client); string(got) != "bye" || err != nil {
			t.Errorf("%q, %v", got, err)
		}
		_, _ = io.WriteString(client, "two") // may find the connection reset
		stop()
		if len(calls) != 1 {
			t.Errorf("Data was called %d times", len(calls))
		}
	})
}
