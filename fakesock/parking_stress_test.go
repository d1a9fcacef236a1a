package fakesock

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/valet-go/valet/internal/gid"
	"github.com/valet-go/valet/internal/parking"
	"github.com/valet-go/valet/loop"
)

// Goroutines echo tokens over connections that pass from hand to hand, while one
// of them loses at random whatever it is parked on: nobody else may ever see a
// closed connection, and as many are lost as Close has reported.
func TestNobodyButTheVictimLosesConns(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	lasting := time.Second
	if testing.Short() {
		lasting /= 4
	}
	for i, network := range []string{"tcp4", "unix"} {
		t.Run(network, func(t *testing.T) {
			parkingStress(t, startLoop(t), network, lasting, rand.New(rand.NewPCG(seed, uint64(i))))
		})
	}
}

const (
	echoers    = 5 // the first one is the victim
	sharedCons = 3 // so that they are always in demand
)

func parkingStress(t *testing.T, l *loop.Loop, network string, lasting time.Duration, rng *rand.Rand) {
	var servers, workers, closers sync.WaitGroup
	ln := listenFake(t, l, network)
	servers.Go(func() { serveEchoes(t, ln, &servers) })
	shared := make(chan *Conn, sharedCons)
	for range cap(shared) {
		shared <- dialFake(t, l, ln)
	}
	var over, end atomic.Bool
	var lost, found, echoed int // each is one goroutine's
	ids := make(chan uintptr, echoers)
	for i := range echoers {
		rng := rand.New(rand.NewPCG(rng.Uint64(), 0))
		begin := make(chan struct{})
		workers.Go(func() {
			ids <- gid.Current()
			close(begin)
			for !end.Load() {
				c := <-shared
				err := echo(c, rng)
				if err == nil {
					err = c.SetDeadline(time.Time{}) // is it closed?
				}
				switch {
				case err == nil && i == 0:
					echoed++
				case err != nil && i == 0 && errors.Is(err, net.ErrClosed):
					lost++
					c = dialFake(t, l, ln)
				case err != nil:
					t.Errorf("goroutine %d: %v", i, err)
					c = dialFake(t, l, ln)
				}
				shared <- c
			}
		})
		<-begin // in order
	}
	all := make([]uintptr, echoers)
	for i := range all {
		all[i] = <-ids
	}
	closerRNG := rand.New(rand.NewPCG(rng.Uint64(), 0))
	closers.Go(func() {
		for !over.Load() {
			for range closerRNG.IntN(1 << closerRNG.IntN(9)) {
				runtime.Gosched()
			}
			if parking.Close(all[0]) {
				found++
			}
		}
	})
	closers.Go(func() {
		for !over.Load() {
			for id, op := range parking.Find(all) {
				if op.Local == nil || op.Remote == nil || op.Since.IsZero() || id == 0 {
					t.Errorf("Find: %+v", op)
				}
			}
			for range 100 {
				runtime.Gosched()
			}
		}
	})
	time.AfterFunc(lasting, func() { over.Store(true) })
	wait(t, &closers) // the victim must not end before
	end.Store(true)
	wait(t, &workers)
	for range cap(shared) {
		(<-shared).Close()
	}
	ln.Close()
	wait(t, &servers)
	t.Logf("the victim has lost %d connections, Close has found %d, %d echoes came", lost, found, echoed)
	// What is closed, and has not returned yet, may be found again where Go's
	// own poller does the waiting.
	if found != lost && !(portable && found > lost) || lost == 0 || echoed == 0 {
		t.Error("the counts are wrong")
	}
}

func wait(t *testing.T, wg *sync.WaitGroup) {
	t.Helper()
	done := make(chan struct{})
	go func() { wg.Wait(); close(done) }()
	await(t, done)
}

func dialFake(t *testing.T, l *loop.Loop, ln *Listener) *Conn {
	c, err := (&Dialer{Loop: l}).Dial(ln.Addr().Network(), ln.Addr().String())
	if err != nil {
		panic(err) // not on the test's goroutine
	}
	t.Cleanup(func() { c.Close() })
	return c.(*Conn)
}

// echo sends a token and expects it back.
func echo(c *Conn, rng *rand.Rand) error {
	size := 8
	if rng.IntN(100) == 0 {
		size = 300 << 10 // parks in the middle
	}
	token := make([]byte, 4+size)
	binary.LittleEndian.PutUint32(token, uint32(size))
	binary.LittleEndian.PutUint64(token[4:], rng.Uint64())
	binary.LittleEndian.PutUint64(token[len(token)-8:], rng.Uint64())
	if _, err := c.Write(token); err != nil {
		return err
	}
	if !portable && rng.IntN(4) == 0 { // as a raw user waits
		if err := rawOf(c).Read(func(fd uintptr) bool { n, _ := peekFD(fd, make([]byte, 1)); return n > 0 }); err != nil {
			return err
		}
	}
	got := make([]byte, len(token))
	if _, err := io.ReadFull(c, got); err != nil {
		return err
	}
	if !bytes.Equal(got, token) {
		return errors.New("another token came back")
	}
	return nil
}

// serveEchoes returns tokens once they are complete.
func serveEchoes(t *testing.T, ln *Listener, servers *sync.WaitGroup) {
	for {
		c, err := ln.Accept()
		if err != nil {
			if !errors.Is(err, net.ErrClosed) {
				t.Error(err)
			}
			return
		}
		servers.Go(func() {
			defer c.Close()
			for {
				var head [4]byte
				if _, err := io.ReadFull(c, head[:]); err != nil {
					serverErr(t, err)
					return
				}
				token := make([]byte, 4+binary.LittleEndian.Uint32(head[:]))
				copy(token, head[:])
				if _, err := io.ReadFull(c, token[4:]); err != nil {
					serverErr(t, err)
					return
				}
				if _, err := c.Write(token); err != nil {
					serverErr(t, err)
					return
				}
			}
		})
	}
}

// serverErr accepts what the end of the other side brings.
func serverErr(t *testing.T, err error) {
	if err != io.EOF && err != io.ErrUnexpectedEOF && !isReset(err) {
		t.Error(err)
	}
}
