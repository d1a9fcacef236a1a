package adapter

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"

	"github.com/valet-go/valet/fakesock"
	"github.com/valet-go/valet/internal/owner"
	"github.com/valet-go/valet/loop"
)

// ownMade is an executor that a user has made: its goroutine is not known as
// one that must not block.
type ownMade struct {
	posted chan func()
}

func newOwnMade(t *testing.T) *ownMade {
	e := &ownMade{make(chan func(), 1<<10)}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for fn := range e.posted {
			fn()
			if owner.Here() {
				t.Error("the executor's goroutine is still marked after a callback")
			}
		}
	}()
	t.Cleanup(func() { close(e.posted); <-ended })
	return e
}

func (e *ownMade) Post(fn func()) error { e.posted <- fn; return nil }

// fakeConn returns a connection of package fakesock's on which nothing comes.
func fakeConn(t *testing.T, l *loop.Loop) net.Conn {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	c, err := (&fakesock.Dialer{Loop: l}).DialContext(bg, "tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if err := c.SetReadDeadline(time.Now().Add(time.Second)); err != nil { // should it park after all
		t.Fatal(err)
	}
	return c
}

// TestNothingBlocksOnAnyExecutorsGoroutine: whoever runs callbacks fails with
// ErrWouldBlockLoop where it would have to wait.
func TestNothingBlocksOnAnyExecutorsGoroutine(t *testing.T) {
	own := newOwnMade(t) // ends after the adapter's Close
	under := newAdapter(t)
	conn := fakeConn(t, under.Loop())
	a := under.On(own)
	check := func(t *testing.T) {
		if _, err := Wait(func(func(int, error)) { t.Error("started") }); !errors.Is(err, loop.ErrWouldBlockLoop) {
			t.Errorf("Wait = %v", err)
		}
		if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, loop.ErrWouldBlockLoop) {
			t.Errorf("Read = %v", err)
		}
	}
	body := func(context.Context) (int, error) { return 0, nil }
	for name, start := range map[string]func(t *testing.T, done func()){
		"a callback": func(t *testing.T, done func()) { Go(bg, a, body, func(int, error) { check(t); done() }) },
		"a callback in a window": func(t *testing.T, done func()) {
			Go(bg, a, body, func(int, error) { check(t); done() }, Ordered(new(Window)))
		},
		"a refused call": func(t *testing.T, done func()) {
			closed := a.Backend("closed")
			closed.Refuse()
			Go(bg, closed, body, func(int, error) { check(t); done() })
		},
		"Join": func(t *testing.T, done func()) { Join(a, func(error) { check(t); done() }) },
		"OnPressure": func(t *testing.T, done func()) {
			b := a.Backend("small", WithSlots(1), WithWatermarks(0, 1))
			block(t, b)
			var stop func()
			stop = b.OnPressure(func(bool) { stop(); check(t); done() })
			quick(b)
		},
		"Each, in each of its turns": func(t *testing.T, done func()) {
			n, items := 0, make([]int, 4*eachCheck)
			s := NewStream(a, nil, func(context.Context) ([]int, error) {
				defer func() { items = nil }()
				return items, nil
			}, func() error { return nil })
			s.Each(bg, func(int) error {
				if n++; n == 1 {
					for start := time.Now(); time.Since(start) < eachBudget; { // busy, so that there is a turn to come
					}
				}
				check(t)
				return nil
			}, func(err error) {
				if err != nil || n != 4*eachCheck {
					t.Errorf("done with %v after %d items", err, n)
				}
				check(t)
				done()
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			done := make(chan struct{})
			start(t, func() { close(done) })
			await(t, done)
		})
	}
}

// noLife is a connection that has no context.
type noLife struct{ loop.Executor }

func (noLife) Context() context.Context { return nil }

func TestAnExecutorMayHaveNoContext(t *testing.T) {
	a := newAdapter(t)
	_, got := quick(a.On(noLife{a.Loop()}))
	wantValue(t, got, "quick")
}
