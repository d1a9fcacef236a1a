package adapter

import (
	"context"
	"errors"
	"net"
	"testing"

	"github.com/valet-go/valet/internal/owner"
	"github.com/valet-go/valet/loop/evioloop"
)

// TestCallsEndWithTheClient has a client of an event-loop server go away while
// its calls wait and run.
func TestCallsEndWithTheClient(t *testing.T) {
	for _, p := range policies {
		t.Run(p.String(), func(t *testing.T) {
			a := newAdapter(t, WithSlots(1), WithCancel(p))
			results := make(chan error, 4)
			cb := func(_ int, err error) {
				if !owner.Here() {
					t.Error("called back off the connection's loop")
				}
				results <- err
			}
			bodies, release := make(chan context.Context, 1), make(chan struct{})
			addr := serve(t, &evioloop.Server{Data: func(c *evioloop.Conn, _ []byte) {
				Go(bg, a.On(c), func(ctx context.Context) (int, error) {
					bodies <- ctx
					<-release
					return 0, errTest
				}, cb)
				never := func(context.Context) (int, error) { t.Error("the body of a call that waited ran"); return 0, nil }
				Go(bg, a.On(c), never, cb)
				Go(c.Context(), a.On(c), never, cb)
			}})
			client, err := net.Dial("tcp", addr.String())
			if err != nil {
				t.Fatal(err)
			}
			if _, err := client.Write([]byte("x")); err != nil {
				t.Error(err)
			}
			body := await(t, bodies)
			eventually(t, "two wait", func() bool { return a.Stats().Waiting == 2 })
			if err := client.Close(); err != nil {
				t.Error(err)
			}
			n := 2
			if p == Abandon {
				n = 3
			} else {
				await(t, body.Done())
			}
			for range n {
				if err := await(t, results); !errors.Is(err, context.Canceled) {
					t.Errorf("callback got %v", err)
				}
			}
			close(release)
			if p != Abandon {
				if err := await(t, results); !errors.Is(err, context.Canceled) || !errors.Is(err, errTest) {
					t.Errorf("callback got %v", err)
				}
			}
			eventually(t, "all is over", func() bool { s := a.Stats(); return s.Running+s.Waiting == 0 && watches(a) == 0 })
			if len(results) > 0 {
				t.Error("called back too often")
			}
		})
	}
}

// serve runs a server until the test ends, and returns its address.
func serve(t *testing.T, s *evioloop.Server) net.Addr {
	t.Helper()
	ctx, stop := context.WithCancel(bg)
	ready, ended := make(chan net.Addr, 1), make(chan error, 1)
	s.Ready = func(addrs []net.Addr) { ready <- addrs[0] }
	go func() { ended <- s.Serve(ctx, "tcp://127.0.0.1:0") }()
	t.Cleanup(func() {
		stop()
		if err := await(t, ended); err != nil {
			t.Error(err)
		}
	})
	return await(t, ready)
}
