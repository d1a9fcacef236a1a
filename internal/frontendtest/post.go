package frontendtest

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/valet-go/valet/internal/gid"
	"github.com/valet-go/valet/internal/owner"
	"github.com/valet-go/valet/loop"
)

func postsOfManyGoroutines(t *testing.T, h Host) {
	const posters, each = 32, 2000
	c, _, _ := connect(t, h, &Server{Data: echo})
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
	Await(t, "the last function", all)
	if n := wrongPlace.Load(); n > 0 {
		t.Errorf("%d functions ran off the loop goroutine", n)
	}
	if n := wrongOrder.Load(); n > 0 {
		t.Errorf("%d functions ran out of order, or twice", n)
	}
}

// A function that is posted by a posted one runs after it, and soon: these
// would take minutes if each waited for a poll's timeout.
func postFromPosted(t *testing.T, h Host) {
	c, _, _ := connect(t, h, &Server{Data: echo})
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
	Await(t, "the end of the chain", done)
}

// Functions that post themselves for ever, and one that others post all the
// time, leave the loop time to read.
func floodStarvesNobody(t *testing.T, h Host) {
	c, cl, _ := connect(t, h, &Server{Data: echo})
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
	var poster sync.WaitGroup
	poster.Go(func() {
		for i := 0; !stop.Load(); i++ {
			_ = c.Post(func() {})
			if i%100 == 0 {
				barrier(t, c) // so that what waits stays bounded
			}
		}
	})
	for i := range 50 {
		if want := fmt.Sprint("line ", i); cl.ask(t, want) != want {
			t.Fatal("wrong echo")
		}
	}
	stop.Store(true)
	poster.Wait()
}

func postAfterClosed(t *testing.T, h Host) {
	closed := make(chan struct{})
	c, cl, stop := connect(t, h, &Server{Data: echo, Closed: func(Conn, error) { close(closed) }})
	cl.Close()
	Await(t, "Closed", closed)
	ran := make(chan bool, 1)
	if err := c.Post(func() { ran <- owner.Here() }); err != nil {
		t.Fatal(err)
	}
	if !Await(t, "the posted function", ran) {
		t.Error("ran on a goroutine that may block")
	}
	stop()
	if err := c.Post(func() { t.Error("ran after the end") }); !errors.Is(err, loop.ErrClosed) {
		t.Errorf("Post after the end of Serve: %v", err)
	}
}

// Whatever Post has accepted runs exactly once, however close the end is, and
// before Serve returns.
func postsWhileServerEnds(t *testing.T, h Host) {
	for range 5 {
		c, _, stop := connect(t, h, &Server{Data: echo})
		var accepted, ran, late atomic.Int64
		var over atomic.Bool
		var posters sync.WaitGroup
		some := make(chan struct{})
		var once sync.Once
		for range 8 {
			posters.Go(func() {
				for c.Post(func() {
					ran.Add(1)
					if over.Load() {
						late.Add(1)
					}
				}) == nil {
					if accepted.Add(1) > 100 {
						once.Do(func() { close(some) })
					}
				}
			})
		}
		<-some
		stop()
		over.Store(true)
		posters.Wait()
		if ran.Load() != accepted.Load() {
			t.Fatalf("%d accepted, %d run", accepted.Load(), ran.Load())
		}
		if late.Load() > 0 {
			t.Fatalf("%d ran after Serve had returned", late.Load())
		}
	}
}

// Clients come, ask, and go in every way, while their connections are posted to
// from elsewhere, written to and closed; the server ends in the midst of it.
func postsUnderChurn(t *testing.T, h Host) {
	r := seeded(t)
	var accepted, ran, opened, closed atomic.Int64
	var posters sync.WaitGroup
	a, stop := serve(t, h, &Server{
		Grace:  -1,
		Opened: func(Conn) { opened.Add(1) },
		Data: func(c Conn, in []byte) {
			n := int(in[0])
			_, _ = c.WriteString("at once")
			posters.Go(func() {
				for i := range n % 16 {
					if c.Post(func() {
						ran.Add(1)
						_, _ = c.WriteString("reply")
					}) == nil {
						accepted.Add(1)
					}
					switch {
					case i == 7:
						_, _ = c.WriteString("from elsewhere")
					case i == 11:
						c.Close()
					case i%5 == 2:
						c.PauseReading()
					case i%5 == 3:
						c.ResumeReading()
					}
				}
				c.ResumeReading()
			})
		},
		EOF:    func(c Conn) { _ = c.Post(func() { c.Close() }) },
		Closed: func(Conn, error) { closed.Add(1) },
	})
	quit := make(chan struct{})
	var clients sync.WaitGroup
	for range 16 {
		own := rand.New(rand.NewPCG(r.Uint64(), 0))
		clients.Go(func() {
			for {
				select {
				case <-quit:
					return
				default:
				}
				churn(a, own)
			}
		})
	}
	for opened.Load() < 2000 && !t.Failed() {
		time.Sleep(time.Millisecond)
	}
	stop()
	close(quit)
	clients.Wait()
	posters.Wait()
	if accepted.Load() != ran.Load() {
		t.Errorf("%d posts accepted, %d run", accepted.Load(), ran.Load())
	}
	if opened.Load() != closed.Load() {
		t.Errorf("%d opened, %d closed", opened.Load(), closed.Load())
	}
}

// churn is one client's life.
func churn(a net.Addr, r *rand.Rand) {
	c, err := net.Dial("tcp", a.String())
	if err != nil {
		return
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(Patience))
	sent := r.IntN(4)
	for range sent {
		if _, err := c.Write([]byte{byte(r.Uint32())}); err != nil {
			return
		}
	}
	switch tcp := c.(*net.TCPConn); r.IntN(4) {
	case 0:
		_ = tcp.SetLinger(0)
	case 1:
		_ = tcp.CloseWrite()
		_, _ = io.Copy(io.Discard, c)
	case 2:
		if sent > 0 {
			_, _ = c.Read(make([]byte, 64))
		}
	}
}
