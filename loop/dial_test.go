package loop

import (
	"context"
	"errors"
	"net"
	"sync"
	"syscall"
	"testing"
)

// dialled is what a Dial's callback was given.
type dialled struct {
	s   *Stream
	err error
}

func beginDial(t testing.TB, ctx context.Context, l *Loop, network, address string) <-chan dialled {
	t.Helper()
	ch := make(chan dialled, 10)
	l.Dial(ctx, network, address, func(s *Stream, err error) {
		if !l.OnLoop() {
			t.Error("not on the loop")
		}
		ch <- dialled{s, err}
	})
	return ch
}

func TestDial(t *testing.T) {
	onEachNetwork(t, func(t *testing.T, l *Loop, s *Stream, peer net.Conn) {
		if s.LocalAddr().Network() != peer.RemoteAddr().Network() ||
			s.RemoteAddr().String() != peer.LocalAddr().String() {
			t.Errorf("addresses %v, %v; of the peer %v, %v", s.LocalAddr(), s.RemoteAddr(), peer.LocalAddr(), peer.RemoteAddr())
		}
		if _, tcp := s.LocalAddr().(*net.TCPAddr); tcp && s.LocalAddr().String() != peer.RemoteAddr().String() {
			t.Errorf("address %v; the peer says %v", s.LocalAddr(), peer.RemoteAddr())
		}
	})
}

func TestDialErrors(t *testing.T) {
	l := start(t)
	gone := netListener(t, "tcp4")
	gone.Close()
	if d := await(t, beginDial(t, t.Context(), l, "tcp4", gone.Addr().String())); !errors.Is(d.err, syscall.ECONNREFUSED) {
		t.Errorf("nobody listens: %v", d.err)
	}
	for _, network := range []string{"udp", "unixgram", "ip", ""} {
		var unknown net.UnknownNetworkError
		if d := await(t, beginDial(t, t.Context(), l, network, "127.0.0.1:1")); !errors.As(d.err, &unknown) {
			t.Errorf("network %q: %v", network, d.err)
		}
		if _, err := l.Listen(network, "127.0.0.1:0", func(*Stream) {}); !errors.As(err, &unknown) {
			t.Errorf("Listen on network %q: %v", network, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	ln := netListener(t, "tcp4")
	if d := await(t, beginDial(t, ctx, l, "tcp4", ln.Addr().String())); !errors.Is(d.err, context.Canceled) && d.err.Error() != "operation was canceled" {
		var oe *net.OpError
		if !errors.As(d.err, &oe) || oe.Err.Error() != "operation was canceled" {
			t.Errorf("cancelled before: %v", d.err)
		}
	}
}

// A context that ends while the dial is on its way decides it either way, but
// leaves no connection behind, which TestMain sees.
func TestDialRacesItsContext(t *testing.T) {
	l := start(t)
	ln := listen(t, l, "tcp4", func(s *Stream) { s.ReadSome(func([]byte, error) { s.Close() }) })
	for range 200 {
		ctx, cancel := context.WithCancel(t.Context())
		ch := beginDial(t, ctx, l, "tcp4", ln.Addr().String())
		go cancel()
		if d := await(t, ch); d.err == nil {
			on(t, l, d.s.Close)
		}
	}
}

func TestDialsRaceTheLoopsEnd(t *testing.T) {
	ln := netListener(t, "unix")
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			c.Close()
		}
	}()
	for range 50 {
		l, err := Start(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		called := 0
		var wg sync.WaitGroup
		begun := make(chan struct{})
		var once sync.Once
		for range 4 {
			wg.Go(func() {
				for range 5 {
					l.Dial(context.Background(), "unix", ln.Addr().String(), func(s *Stream, err error) {
						if called++; err != nil && !errors.Is(err, ErrClosed) && !errors.Is(err, syscall.EAGAIN) {
							t.Error(err)
						}
					})
					once.Do(func() { close(begun) })
				}
			})
		}
		<-begun
		l.Close()
		wg.Wait()
	}
}

func TestAPanicInADialsCallbackClosesTheStream(t *testing.T) {
	l := start(t, WithPanicHandler(func(any, []byte) {}))
	ln := netListener(t, "tcp4")
	l.Dial(t.Context(), "tcp4", ln.Addr().String(), func(*Stream, error) { panic("nobody took it") })
	peer, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer peer.Close()
	if _, err := peer.Read(make([]byte, 1)); err == nil {
		t.Error("still open")
	}
}
