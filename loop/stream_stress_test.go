package loop

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"time"
)

// Many streams echo random sizes in random ways, pause, and are closed at
// random by both sides. What arrives is in order; what is not cut off is
// complete.
func TestStreamStress(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	for i, network := range append(streamNetworks, "tcp4") {
		closes := i < len(streamNetworks) // the last one runs without being cut off
		t.Run(fmt.Sprintf("%s closes=%v", network, closes), func(t *testing.T) {
			l := start(t)
			opened, ended := 0, 0
			ln := listen(t, l, network, func(s *Stream) {
				opened++
				e := &echoer{t: t, s: s, closes: closes, rng: rand.New(rand.NewPCG(seed, uint64(opened)))}
				s.OnClose(func(error) {
					if ended++; e.pending != 0 {
						t.Errorf("OnClose came before %d other callbacks", e.pending)
					}
				})
				e.next()
			}, WithMaxConns(20))
			const clients = 60
			var wg sync.WaitGroup
			for i := range clients {
				rng := rand.New(rand.NewPCG(seed, uint64(1000+i)))
				wg.Go(func() { echoClient(t, ln.Addr(), rng, closes) })
			}
			wg.Wait()
			drained := make(chan error, 1)
			on(t, l, func() { ln.Drain(context.Background(), func(err error) { drained <- err }) })
			if err := await(t, drained); err != nil {
				t.Fatal(err)
			}
			on(t, l, func() {
				if opened != clients || ended != clients || ln.Stats().Open != 0 {
					t.Errorf("%d opened, %d ended, %+v", opened, ended, ln.Stats())
				}
			})
		})
	}
}

// echoer is the server's side of one connection.
type echoer struct {
	t       *testing.T
	s       *Stream
	rng     *rand.Rand
	closes  bool // at random
	pending int  // reads and writes whose callbacks have not come
	done    bool
}

func (e *echoer) next() {
	e.pending++
	switch e.rng.IntN(3) {
	case 0:
		e.s.ReadSome(e.got)
	case 1:
		e.s.ReadBytes(1+e.rng.IntN(40000), e.got)
	case 2:
		e.s.ReadUntil([]byte{byte(e.rng.IntN(256)), byte(e.rng.IntN(256))}, 1+e.rng.IntN(40000), e.got)
	}
	if e.rng.IntN(10) == 0 {
		e.s.Pause()
		e.s.l.Post(e.s.Resume)
	}
}

func (e *echoer) got(p []byte, err error) {
	e.pending--
	switch {
	case e.done:
		e.t.Error("a read came back after the end")
	case err == nil:
		for len(p) > 0 {
			n := 1 + e.rng.IntN(len(p))
			e.pending++
			e.s.Write(p[:n], func(error) { e.pending-- })
			p = p[n:]
		}
		if e.closes && e.rng.IntN(500) == 0 {
			e.s.Close()
		}
		e.next()
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, ErrTooLong):
		e.pending++
		e.s.ReadSome(e.got)
	case err == io.EOF:
		e.done = true
		e.s.CloseWrite()
	default:
		e.done = true
	}
}

// echoClient sends a pattern and checks that what comes back is its beginning.
func echoClient(t *testing.T, addr net.Addr, rng *rand.Rand, cut bool) {
	c, err := net.Dial(addr.Network(), addr.String())
	if err != nil {
		t.Error(err)
		return
	}
	defer c.Close()
	total := rng.IntN(1 << 20)
	breaks := cut && rng.IntN(4) == 0
	data := pattern(total)
	sizes := rand.New(rand.NewPCG(rng.Uint64(), 0))
	go func() {
		for at := 0; at < total; {
			n := min(1+sizes.IntN(60000), total-at)
			if _, err := c.Write(data[at : at+n]); err != nil {
				return
			}
			at += n
		}
		c.(interface{ CloseWrite() error }).CloseWrite()
	}()
	buf := make([]byte, 70000)
	at := 0
	for {
		n, err := c.Read(buf[:1+rng.IntN(len(buf)-1)])
		if at+n > total || string(buf[:n]) != string(data[at:at+n]) {
			t.Errorf("other bytes came back at %d", at)
			return
		}
		at += n
		switch {
		case err != nil && !cut && (at < total || err != io.EOF):
			t.Errorf("%v after %d of %d bytes", err, at, total)
			return
		case err != nil || breaks && at > total/2:
			return
		}
	}
}
