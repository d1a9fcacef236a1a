package loop

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"
)

func TestTheCapIsKept(t *testing.T) {
	for _, network := range streamNetworks {
		t.Run(network, func(t *testing.T) {
			l := start(t)
			const limit = 3
			open, most := 0, 0
			ln := listen(t, l, network, func(s *Stream) {
				open++
				most = max(most, open)
				s.OnClose(func(error) { open-- })
				s.ReadSome(func([]byte, error) { s.Write([]byte("bye"), func(error) { s.Close() }) })
			}, WithMaxConns(limit))
			var peers []net.Conn
			for range 5 * limit {
				peers = append(peers, connect(t, ln))
			}
			eventually(t, l, "the cap", func() bool { return open == limit })
			for _, p := range peers { // each makes room for another
				sendTo(t, p, "x")
			}
			for _, p := range peers {
				expect(t, p, "bye")
			}
			eventually(t, l, "the end", func() bool { return open == 0 })
			on(t, l, func() {
				if s := ln.Stats(); most != limit || s.Accepted != 5*limit || s.Open != 0 || s.Errors != 0 || s.Paused {
					t.Errorf("up to %d were open; %+v", most, s)
				}
			})
		})
	}
}

func TestAClosedListenersStreamsLiveOn(t *testing.T) {
	for _, network := range streamNetworks {
		t.Run(network, func(t *testing.T) {
			l := start(t)
			accepted := make(chan *Stream, 1)
			ln := listen(t, l, network, func(s *Stream) { accepted <- s })
			peer := connect(t, ln)
			s := await(t, accepted)
			on(t, l, ln.Close)
			on(t, l, ln.Close)
			if c, err := net.Dial(ln.Addr().Network(), ln.Addr().String()); err == nil {
				c.Close()
				t.Error("still listening")
			}
			if network == "unix" {
				if _, err := os.Stat(ln.Addr().String()); !os.IsNotExist(err) {
					t.Errorf("the socket's path is still there: %v", err)
				}
			}
			if again, err := l.Listen(network, ln.Addr().String(), func(*Stream) {}); err != nil {
				t.Errorf("the address is not free: %v", err)
			} else {
				on(t, l, again.Close)
			}
			sendTo(t, peer, "alive")
			wantGot(t, beginBytes(t, s, 5), "alive", nil)
		})
	}
}

// A storm of connections must leave streams and posts their turn.
func TestAStormOfConnections(t *testing.T) {
	l := start(t)
	accepted, row, inRow := 0, 0, 0
	ln := listen(t, l, "tcp4", func(s *Stream) {
		accepted++
		inRow++
		row = max(row, inRow)
		s.Close()
	})
	blocked, release := make(chan struct{}), make(chan struct{})
	l.Post(func() { close(blocked); <-release }) // so that they all wait in the backlog
	<-blocked
	const n = 100
	for range n {
		connect(t, ln)
	}
	var tick func()
	tick = func() {
		inRow = 0
		if accepted < n {
			l.Post(tick)
		}
	}
	l.Post(tick)
	close(release)
	eventually(t, l, "all accepted", func() bool { return accepted == n })
	on(t, l, func() {
		if row > 2*acceptBudget {
			t.Errorf("%d accepted in a row", row)
		}
	})
}

func TestAPanicInAcceptClosesTheStreamOnly(t *testing.T) {
	l := start(t, WithPanicHandler(func(any, []byte) {}))
	calls := 0
	ln := listen(t, l, "tcp4", func(s *Stream) {
		if calls++; calls == 1 {
			panic("the first one")
		}
		s.Write([]byte("hello"), nil)
	})
	if _, err := connect(t, ln).Read(make([]byte, 1)); err == nil {
		t.Error("still open")
	}
	expect(t, connect(t, ln), "hello")
	if s := ln.Stats(); s.Open != 1 || s.Accepted != 2 {
		t.Errorf("%+v", s)
	}
}

func TestDrainWaitsForTheStreams(t *testing.T) {
	l := start(t)
	var streams []*Stream
	ln := listen(t, l, "tcp4", func(s *Stream) { streams = append(streams, s) })
	connect(t, ln)
	connect(t, ln)
	eventually(t, l, "two streams", func() bool { return len(streams) == 2 })
	closed := 0
	done := make(chan error, 3)
	on(t, l, func() {
		for range 2 {
			ln.Drain(t.Context(), func(err error) {
				if closed != 2 {
					t.Error("called before OnClose")
				}
				done <- err
			})
		}
		for _, s := range streams {
			s.OnClose(func(error) { closed++ })
		}
		streams[0].Close()
	})
	on(t, l, func() {})
	if len(done) != 0 {
		t.Fatal("called too early")
	}
	on(t, l, func() { streams[1].Close() })
	for range 2 {
		if err := await(t, done); err != nil {
			t.Fatal(err)
		}
	}
	on(t, l, func() { ln.Drain(t.Context(), func(err error) { done <- err }) }) // nothing is left
	if err := await(t, done); err != nil {
		t.Fatal(err)
	}
}

func TestDrainClosesWhatIsLeftWhenItsContextEnds(t *testing.T) {
	l := start(t)
	var left *Stream
	ln := listen(t, l, "tcp4", func(s *Stream) { left = s })
	other, _ := streamPair(t, l, "tcp4")
	peer := connect(t, ln)
	eventually(t, l, "a stream", func() bool { return left != nil })
	n := beginSome(t, left)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 2)
	on(t, l, func() { ln.Drain(ctx, func(err error) { done <- err }) })
	on(t, l, func() {})
	if len(done) != 0 {
		t.Fatal("called too early")
	}
	cancel()
	wantGot(t, n, "", net.ErrClosed)
	if err := await(t, done); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if _, err := peer.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("the peer read %v", err)
	}
	on(t, l, func() {
		if other.ended {
			t.Error("a stream of another listener was closed")
		}
	})
}

func TestListenErrors(t *testing.T) {
	l := start(t)
	ln := listen(t, l, "tcp4", func(*Stream) {})
	if _, err := l.Listen("tcp4", ln.Addr().String(), func(*Stream) {}); err == nil {
		t.Error("one address was listened on twice")
	}
	if _, err := l.Listen("tcp4", "127.0.0.1:0", func(*Stream) {}, WithMaxConns(0)); err == nil {
		t.Error("a cap of zero was accepted")
	}
	if _, err := l.Listen("unix", localAddress(t, "unix"), func(*Stream) {}, WithReusePort()); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("WithReusePort on a unix socket: %v", err)
	}
	defer func() {
		if recover() == nil {
			t.Error("Close off the loop did not panic")
		}
	}()
	ln.Close()
}

func TestTwoLoopsShareAPort(t *testing.T) {
	var lns [2]*Listener
	var loops [2]*Loop
	address := "127.0.0.1:0"
	accepted := make(chan int, 200)
	for i := range lns {
		loops[i] = start(t)
		var err error
		lns[i], err = loops[i].Listen("tcp4", address, func(s *Stream) { accepted <- i; s.Close() }, WithReusePort())
		if errors.Is(err, errors.ErrUnsupported) {
			t.Skip(err)
		}
		if err != nil {
			t.Fatal(err)
		}
		address = lns[i].Addr().String()
	}
	var by [2]int
	for range 100 {
		connect(t, lns[0]).Close()
		by[await(t, accepted)]++
	}
	if by[0] == 0 || by[1] == 0 {
		t.Errorf("accepted %v of 100", by)
	}
}

// An accept error makes a pause that grows, and a success ends it.
func TestTheAcceptPauseGrows(t *testing.T) {
	l := start(t)
	ln := listen(t, l, "tcp4", func(s *Stream) { s.Close() })
	on(t, l, func() {
		for _, want := range []time.Duration{5, 10, 20, 40, 80, 160, 320, 640, 1000, 1000} {
			if ln.failure(); ln.pause != want*time.Millisecond {
				t.Errorf("a pause of %v, want %v ms", ln.pause, want)
			}
		}
		if s := ln.Stats(); !s.Paused || s.Errors != 10 {
			t.Errorf("%+v", s)
		}
		ln.timer.Reset(0)
	})
	connect(t, ln)
	eventually(t, l, "a success", func() bool { return ln.Stats().Accepted == 1 })
	on(t, l, func() {
		if ln.pause != 0 || ln.Stats().Paused {
			t.Errorf("a pause of %v after a success", ln.pause)
		}
	})
}
