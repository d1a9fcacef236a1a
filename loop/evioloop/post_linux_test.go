package evioloop

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/valet-go/valet/internal/gid"
	"github.com/valet-go/valet/internal/owner"
	"github.com/valet-go/valet/loop"
)

// connect serves s and returns the first connection of a client, both ends.
func connect(t *testing.T, s *Server) (*Conn, *testClient, func()) {
	t.Helper()
	conns := make(chan *Conn, 1)
	opened := s.Opened
	s.Opened = func(c *Conn) {
		if opened != nil {
			opened(c)
		}
		select {
		case conns <- c:
		default:
		}
	}
	a, stop := serve(t, s)
	client := &testClient{dial(t, a), a}
	return await(t, "Opened", conns), client, stop
}

func TestPostsFromManyGoroutines(t *testing.T) {
	const posters, each = 32, 2000
	c, _, _ := connect(t, &Server{Data: echo})
	var where atomic.Uintptr
	var wrongPlace, wrongOrder atomic.Int64
	next := make([]int, posters) // of the loop goroutine
	ran := 0
	all := make(chan struct{})
	for p := range posters {
		go func() {
			for i := range each {
				err := c.Post(func() {
					where.CompareAndSwap(0, gid.Current())
					if where.Load() != gid.Current() || !owner.Here() {
						wrongPlace.Add(1)
					}
					if next[p] != i {
						wrongOrder.Add(1)
					}
					next[p] = i + 1
					if ran++; ran == posters*each {
						close(all)
					}
				})
				if err != nil {
					t.Error(err)
				}
			}
		}()
	}
	await(t, "the last function", all)
	if n := wrongPlace.Load(); n > 0 {
		t.Errorf("%d functions ran off the loop goroutine", n)
	}
	if n := wrongOrder.Load(); n > 0 {
		t.Errorf("%d functions ran out of order, or twice", n)
	}
}

// EVIO.md, 3: a wake from inside a wake callback waited for evio's poll
// timeout of 100 ms. A chain of these 5,000 would take more than 8 minutes.
func TestPostFromPosted(t *testing.T) {
	c, _, _ := connect(t, &Server{Data: echo})
	const links = 5000
	done := make(chan struct{})
	n := 0
	running := false
	var link func()
	link = func() {
		if running {
			t.Error("ran inside the caller's frame")
		}
		running = true
		if n++; n == links {
			close(done)
		} else if err := c.Post(link); err != nil {
			t.Error(err)
		}
		running = false
	}
	if err := c.Post(link); err != nil {
		t.Fatal(err)
	}
	await(t, "the end of the chain", done)
}

// A function that posts itself for ever, and a long backlog, leave evio time
// to read.
func TestFloodOfPostsDoesNotStarveClients(t *testing.T) {
	c, client, _ := connect(t, &Server{Data: echo})
	var stop atomic.Bool
	var again func()
	again = func() {
		if !stop.Load() {
			_ = c.Post(again)
		}
	}
	for range 50_000 {
		if err := c.Post(again); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 50 {
		if want := fmt.Sprint("line ", i); ask(t, client, want) != want {
			t.Fatal("wrong echo")
		}
	}
	stop.Store(true)
}

func TestPostAfterTheConnectionHasClosed(t *testing.T) {
	closed := make(chan struct{})
	c, client, stop := connect(t, &Server{Data: echo, Closed: func(*Conn, error) { close(closed) }})
	client.Close()
	await(t, "Closed", closed)
	ran := make(chan bool, 1)
	if err := c.Post(func() { ran <- owner.Here() }); err != nil {
		t.Fatal(err)
	}
	if !await(t, "the posted function", ran) {
		t.Error("ran on a goroutine that may block")
	}
	stop()
	if err := c.Post(func() { t.Error("ran after the end") }); !errors.Is(err, loop.ErrClosed) {
		t.Errorf("Post after the end of Serve: %v", err)
	}
}

// Whatever Post has accepted runs exactly once, however close the end is.
func TestPostsWhileServerEnds(t *testing.T) {
	for range 5 {
		c, _, stop := connect(t, &Server{Data: echo})
		var accepted, ran atomic.Int64
		var posters sync.WaitGroup
		some := make(chan struct{})
		var once sync.Once
		for range 8 {
			posters.Go(func() {
				for c.Post(func() { ran.Add(1) }) == nil {
					if accepted.Add(1) > 100 {
						once.Do(func() { close(some) })
					}
				}
			})
		}
		<-some
		stop()
		posters.Wait()
		if ran.Load() != accepted.Load() {
			t.Fatalf("%d accepted, %d run", accepted.Load(), ran.Load())
		}
	}
}

func TestCallbacksAreOnAnOwner(t *testing.T) {
	closed := make(chan struct{})
	here := func(what string) {
		if !owner.Here() {
			t.Errorf("%s: not marked", what)
		}
	}
	_, client, stop := connect(t, &Server{
		Opened: func(*Conn) { here("Opened") },
		Data:   func(c *Conn, in []byte) { here("Data"); echo(c, in) },
		EOF:    func(c *Conn) { here("EOF"); c.Close() },
		Closed: func(*Conn, error) { here("Closed"); close(closed) },
	})
	ask(t, client, "x")
	client.Close()
	await(t, "Closed", closed)
	stop()
	if owner.Here() {
		t.Error("the test's goroutine is marked")
	}
}
