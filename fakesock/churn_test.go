package fakesock

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/valet-go/valet/loop"
)

// Connections are dialled, accepted, used, timed out, dropped and closed by
// many at once, and the listener's deadline moves; whatever is echoed is what
// was sent, and in the end nothing is left.
func TestChurn(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	for _, network := range networks {
		t.Run(network, func(t *testing.T) { churn(t, network, seed) })
	}
}

func churn(t *testing.T, network string, seed uint64) {
	l := startLoop(t)
	ln := listenFake(t, l, network)
	var servers, clients sync.WaitGroup
	for range 3 {
		servers.Go(func() { serveEcho(t, &servers, ln) })
	}
	d := &Dialer{Loop: l}
	for i := range 4 {
		clients.Go(func() {
			rng := rand.New(rand.NewPCG(seed, uint64(i)))
			for range 40 {
				churnOne(t, d, network, ln.Addr().String(), rng)
			}
		})
	}
	over := make(chan struct{})
	mover := make(chan struct{})
	go func() {
		defer close(mover)
		rng := rand.New(rand.NewPCG(seed, 100))
		for {
			select {
			case <-over:
				return
			default:
				ln.SetDeadline(time.Now().Add(time.Duration(rng.IntN(2000)-200) * time.Microsecond))
				Parked(l)
			}
		}
	}()
	clients.Wait()
	close(over)
	<-mover
	ln.Close()
	servers.Wait()
	checkNothingParked(t, l)
}

func checkNothingParked(t *testing.T, l *loop.Loop) {
	t.Helper()
	if ops := Parked(l); len(ops) != 0 {
		t.Errorf("still parked: %v", ops)
	}
}

// serveEcho accepts until the listener is closed.
func serveEcho(t *testing.T, all *sync.WaitGroup, ln *Listener) {
	for {
		c, err := ln.Accept()
		switch {
		case err == nil:
			all.Go(func() {
				defer c.Close()
				io.Copy(c, c)
			})
		case errors.Is(err, net.ErrClosed):
			return
		case !errors.Is(err, os.ErrDeadlineExceeded):
			t.Error(err)
			return
		}
	}
}

// churnOne dials, and ends the connection in one of several ways.
func churnOne(t *testing.T, d *Dialer, network, address string, rng *rand.Rand) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	end := rng.IntN(6)
	if end == 0 {
		time.AfterFunc(time.Duration(rng.IntN(200))*time.Microsecond, cancel)
	}
	nc, err := d.DialContext(ctx, network, address)
	if err != nil {
		if end != 0 {
			t.Error(err)
		}
		return
	}
	c := nc.(*Conn)
	defer c.Close()
	switch end {
	case 1:
		return // perhaps before it was accepted
	case 2:
		async(func() (int, error) { return c.Read(make([]byte, 1)) }) // ended by Close
		return
	case 3:
		c.SetReadDeadline(time.Now().Add(time.Duration(rng.IntN(300)) * time.Microsecond))
		if _, err := c.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Error(err)
		}
		c.SetReadDeadline(time.Time{})
	}
	sent := pattern(1 + rng.IntN(20_000))
	wrote := async(func() (int, error) { return c.Write(sent) })
	got := make([]byte, len(sent))
	if _, err := io.ReadFull(c, got); err != nil || !bytes.Equal(got, sent) {
		t.Errorf("%d bytes came back as others, or %v", len(sent), err)
	}
	if r := await(t, wrote); r.err != nil {
		t.Error(r.err)
	}
}
