package frontendtest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/valet-go/valet/internal/leaktest"
	"github.com/valet-go/valet/loop"
)

func stopSendsWhatIsPending(t *testing.T, h Host) {
	payload := random(t, 8<<20)
	var mu sync.Mutex
	ends := map[Conn][]error{}
	a, stop := serve(t, h, &Server{
		Grace: Patience,
		Data: func(c Conn, in []byte) {
			if string(in) == "big" {
				_, _ = c.Write(payload)
			}
			_, _ = c.WriteString("!")
		},
		Closed: func(c Conn, err error) { mu.Lock(); ends[c] = append(ends[c], err); mu.Unlock() },
	})
	idle, silent, big := dial(t, a), dial(t, a), dial(t, a)
	idle.send(t, "x")
	big.send(t, "big")
	for _, c := range []*client{idle, big} {
		if _, err := io.ReadFull(c, make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
	}
	received := make(chan []byte)
	go func() {
		_, _ = idle.Read(make([]byte, 1)) // so the server is stopping before the other is read
		rest, _ := io.ReadAll(slowly{big})
		received <- rest
	}()
	stop()
	if got := <-received; !bytes.Equal(got, append(payload[1:len(payload):len(payload)], '!')) {
		t.Errorf("%d bytes arrived of %d, or others", len(got), len(payload))
	}
	silent.wantEnd(t)
	for c, errs := range ends {
		if len(errs) != 1 || !errors.Is(errs[0], loop.ErrClosed) {
			t.Errorf("%v closed with %v", c.RemoteAddr(), errs)
		}
		if err := context.Cause(c.Context()); !errors.Is(err, loop.ErrClosed) {
			t.Errorf("the context's cause is %v", err)
		}
	}
	if len(ends) < 2 || len(ends) > 3 { // the silent one may still have been in the queue of the listener
		t.Errorf("Closed was called for %d of 3", len(ends))
	}
}

func graceIsBounded(t *testing.T, h Host) {
	for _, grace := range []time.Duration{-1, time.Millisecond} {
		ended := make(chan error, 1)
		c, _, stop := connect(t, h, &Server{Data: echo, Grace: grace, Closed: func(_ Conn, err error) { ended <- err }})
		fill(t, c, make([]byte, 8<<20))
		stop() // the client never reads
		if err := Await(t, "Closed", ended); !errors.Is(err, loop.ErrClosed) {
			t.Errorf("closed with %v", err)
		}
	}
}

func stopAtOnce(t *testing.T, h Host) {
	for range 100 {
		ctx, cancel := context.WithCancel(context.Background())
		s := h.New(&Server{Data: echo, Ready: func([]net.Addr) { cancel() }})
		for range 2 { // the second time the context has ended already
			if err := s.Serve(ctx, "tcp://127.0.0.1:0"); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// A server that is stopped while clients keep coming leaves no descriptor.
func stopWhileClientsCome(t *testing.T, h Host) {
	before := len(leaktest.Descriptors())
	for range 20 {
		var opened, closed atomic.Int64
		some := make(chan struct{})
		var once sync.Once
		a, stop := serve(t, h, &Server{
			Grace: -1,
			Opened: func(Conn) {
				if opened.Add(1) == 20 {
					once.Do(func() { close(some) })
				}
			},
			Data:   drop,
			Closed: func(Conn, error) { closed.Add(1) },
		})
		quit := make(chan struct{})
		var clients sync.WaitGroup
		for range 4 {
			clients.Go(func() {
				for {
					select {
					case <-quit:
						return
					default:
					}
					if c, err := net.Dial("tcp", a.String()); err == nil {
						c.Close()
					}
				}
			})
		}
		Await(t, "some clients", some)
		stop()
		close(quit)
		clients.Wait()
		if opened.Load() != closed.Load() {
			t.Errorf("%d opened, %d closed", opened.Load(), closed.Load())
		}
	}
	wantDescriptors(t, before)
}

// wantDescriptors checks that no more descriptors are open than before. Those
// of this process's clients may take a moment.
func wantDescriptors(t *testing.T, before int) {
	t.Helper()
	end := time.Now().Add(Patience)
	for {
		after := leaktest.Descriptors()
		if len(after) <= before {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%d descriptors before, %d after: %v", before, len(after), after)
		}
		time.Sleep(time.Millisecond)
	}
}

func noDescriptorIsLeft(t *testing.T, h Host) {
	var ended atomic.Int64
	c, cl, _ := connect(t, h, &Server{
		Data: func(c Conn, in []byte) {
			_, _ = c.Write(in)
			if in[0] == 'c' {
				c.Close()
			}
		},
		Closed: func(Conn, error) { ended.Add(1) },
	})
	cl.ask(t, "x")
	before := len(leaktest.Descriptors())
	const cycles = 300
	for i := range cycles {
		one := dial(t, cl.server)
		switch i % 3 {
		case 0:
			one.ask(t, "x")
		case 1:
			one.ask(t, "c")
			one.wantEnd(t)
		}
		one.Close()
	}
	for ended.Load() < cycles {
		barrier(t, c)
	}
	wantDescriptors(t, before)
}

func shortConnections(t *testing.T, h Host) {
	const clients, each = 8, 500
	var opened, ended atomic.Int64
	all := make(chan struct{})
	a, _ := serve(t, h, &Server{
		Opened: func(Conn) { opened.Add(1) },
		Data: func(c Conn, in []byte) {
			_, _ = c.Write(in)
			c.Close()
		},
		Closed: func(_ Conn, err error) {
			if !errors.Is(err, net.ErrClosed) {
				t.Errorf("closed with %v", err)
			}
			if ended.Add(1) == clients*each {
				close(all)
			}
		},
	})
	var wg sync.WaitGroup
	for range clients {
		wg.Go(func() {
			for range each {
				c, err := net.Dial("tcp", a.String())
				if err != nil {
					t.Error(err)
					return
				}
				_, _ = c.Write([]byte("hello"))
				_ = c.SetDeadline(time.Now().Add(Patience))
				if got, err := io.ReadAll(c); string(got) != "hello" || err != nil {
					t.Errorf("%q, %v", got, err)
				}
				c.Close()
			}
		})
	}
	wg.Wait()
	Await(t, "the last Closed", all)
	if n := opened.Load(); n != clients*each {
		t.Errorf("%d opened", n)
	}
}
