package fakesock

import (
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/valet-go/valet/loop"
)

// Readers, writers, deadlines and Close race on many connections; whatever
// happens, the bytes that arrive are those that were sent, in order, and every
// call returns.
func TestStress(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rounds := 60
	if testing.Short() {
		rounds = 20
	}
	for _, network := range networks {
		t.Run(network, func(t *testing.T) {
			l := startLoop(t)
			for i := range rounds {
				stressPair(t, newPair(t, l, network), rand.New(rand.NewPCG(seed, uint64(i))))
			}
		})
	}
}

type pair struct {
	a, b *Conn
	l    *loop.Loop
}

func newPair(t *testing.T, l *loop.Loop, network string) pair {
	a, b := fakePair(t, l, network)
	return pair{a, b, l}
}

func stressPair(t *testing.T, p pair, rng *rand.Rand) {
	total := 1 + rng.IntN(200_000)
	closeAt := rng.IntN(2 * total) // beyond total: closed when all has arrived
	var wg sync.WaitGroup
	writerSeed, readerSeed, timerSeed := rng.Uint64(), rng.Uint64(), rng.Uint64()
	arrived := make(chan int, 1)
	over := make(chan struct{})
	wg.Go(func() { // writes the numbers 0, 1, 2 …
		rng := rand.New(rand.NewPCG(writerSeed, 0))
		for sent := 0; sent < total; {
			buf := make([]byte, 8*(1+rng.IntN(4000)))
			for i := 0; i < len(buf); i += 8 {
				binary.LittleEndian.PutUint64(buf[i:], uint64(sent+i/8))
			}
			for at := 0; at < len(buf); {
				n, err := p.a.Write(buf[at:])
				at += n
				if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
					return // the other end is gone
				}
				if err != nil {
					p.a.SetWriteDeadline(time.Now().Add(time.Duration(rng.IntN(2000)) * time.Microsecond))
				}
			}
			sent += len(buf) / 8
		}
	})
	wg.Go(func() {
		rng := rand.New(rand.NewPCG(readerSeed, 0))
		buf := make([]byte, 64<<10)
		have, next := 0, uint64(0)
		defer func() { arrived <- int(next) }()
		for int(next) < total && int(next) < closeAt {
			n, err := p.b.Read(buf[have : have+1+rng.IntN(len(buf)-have)])
			have += n
			at := 0
			for ; have-at >= 8; at += 8 {
				if got := binary.LittleEndian.Uint64(buf[at:]); got != next {
					t.Errorf("number %d arrived as %d", next, got)
					return
				}
				next++
			}
			have = copy(buf, buf[at:have])
			switch {
			case err == nil:
			case errors.Is(err, os.ErrDeadlineExceeded):
				p.b.SetReadDeadline(time.Now().Add(time.Duration(rng.IntN(2000)) * time.Microsecond))
			case errors.Is(err, io.EOF), errors.Is(err, net.ErrClosed):
				return
			default:
				t.Error(err)
				return
			}
		}
	})
	wg.Go(func() { // moves the deadlines about
		rng := rand.New(rand.NewPCG(timerSeed, 0))
		for {
			select {
			case <-over:
				return
			default:
			}
			d := time.Now().Add(time.Duration(rng.IntN(3000)-500) * time.Microsecond)
			switch rng.IntN(5) {
			case 4:
				p.a.Stats()
				p.b.Stats()
				Parked(p.l)
			case 0:
				p.a.SetWriteDeadline(d)
			case 1:
				p.b.SetReadDeadline(d)
			case 2:
				p.a.SetDeadline(time.Time{})
				p.b.SetDeadline(time.Time{})
			case 3:
				raw, err := p.a.SyscallConn() // nothing is ever sent to a
				if err == nil {
					err = raw.Read(func(fd uintptr) bool {
						var b [1]byte
						readFD(fd, b[:])
						return true
					})
				}
				if err != nil && !errors.Is(err, net.ErrClosed) {
					t.Error(err)
				}
			}
			runtime.Gosched()
		}
	})
	n := await(t, arrived)
	close(over)
	var closers sync.WaitGroup
	closed := make(chan error, 4)
	for range 2 { // two at once: one of them must be told
		closers.Go(func() { closed <- p.a.Close() })
		closers.Go(func() { closed <- p.b.Close() })
	}
	closers.Wait()
	wg.Wait()
	refused := 0
	for range 4 {
		if err := <-closed; err != nil {
			refused++
		}
	}
	if refused != 2 {
		t.Errorf("%d of 4 Closes failed, want 2", refused)
	}
	if want := min(total, closeAt); n < want {
		t.Errorf("%d numbers arrived, want %d", n, want)
	}
}
