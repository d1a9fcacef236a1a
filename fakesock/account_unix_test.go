//go:build (linux || darwin || freebsd || netbsd || openbsd || dragonfly) && !valetportable

package fakesock

import (
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

func TestStatsDoNotWaitForWhatIsUnderWay(t *testing.T) {
	l := startLoop(t)
	a, b := fakePair(t, l, "tcp4")
	mustWrite(t, b, "x")
	mustRead(t, a, "x")
	if err := rawOf(a).Read(func(uintptr) bool { // false would park
		onLoop(t, l, func() error { a.Stats(); Parked(l); return nil })
		return a.Stats().BytesRead == 1 && len(Parked(l)) == 0
	}); err != nil {
		t.Fatal(err)
	}
	r := async(func() (int, error) { return a.Read(make([]byte, 1)) })
	awaitParked(t, &a.s.r)
	if s := a.Stats(); s.ReadParks != 1 || s.Reads != 1 || s.ReadParked <= 0 {
		t.Errorf("while a read is parked: %+v", s)
	}
	mustWrite(t, b, "y")
	await(t, r)
}

// A call that is under way, however long it takes, must hold up neither Parked
// nor those who open and close connections meanwhile.
func TestParkedDoesNotWaitForWhatIsUnderWay(t *testing.T) {
	l := startLoop(t)
	stuck, _ := dialPair(t, l, "tcp4")
	stuck.s.w.mu.Lock() // as a Write or sendfile has it
	defer stuck.s.w.mu.Unlock()
	c, _ := dialPair(t, l, "tcp4")
	r := async(func() (int, error) { return c.Read(make([]byte, 1)) })
	awaitParked(t, &c.s.r)
	for range 2 {
		var ops []ParkedOp
		await(t, async(func() (int, error) { ops = Parked(l); return 0, nil }))
		if len(ops) != 1 || ops[0].Op != "read" {
			t.Errorf("Parked = %v, want the read only", ops)
		}
	}
	c.Close()
	await(t, r)
}

// What is claimed for a moment is still parked.
func TestParkedSeesThroughTheClaimsOfOthers(t *testing.T) {
	l := startLoop(t)
	c, _ := dialPair(t, l, "tcp4")
	r := async(func() (int, error) { return c.Read(make([]byte, 1)) })
	awaitParked(t, &c.s.r)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 500 {
				if ops := Parked(l); len(ops) != 1 {
					t.Errorf("Parked = %v", ops)
					return
				}
				if s := c.Stats(); s.ReadParks != 1 || s.ReadParked <= 0 {
					t.Errorf("%+v", s)
					return
				}
			}
		})
	}
	wg.Wait()
	c.Close()
	await(t, r)
}

// Everything that claims or completes operations, at once, against readers and
// writers of all kinds: no byte is lost, no call hangs, the counts are right.
func TestStatsStress(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rounds := 12
	if testing.Short() {
		rounds = 4
	}
	for _, network := range []string{"tcp4", "unix"} {
		l := startLoop(t)
		for i := range rounds {
			statsStress(t, l, network, rand.New(rand.NewPCG(seed, uint64(i))))
		}
		checkNothingParked(t, l)
	}
}

func statsStress(t *testing.T, l *loop.Loop, network string, rng *rand.Rand) {
	a, b := fakePair(t, l, network)
	rngs := make([]*rand.Rand, 5) // one for each goroutine
	for i := range rngs {
		rngs[i] = rand.New(rand.NewPCG(rng.Uint64(), 0))
	}
	early := rng.IntN(3) == 0 // closed while all goes on
	total := 1<<20 + rng.IntN(1<<20)
	over := make(chan struct{})
	var disturb sync.WaitGroup
	for _, rng := range rngs[2:] {
		disturb.Go(func() {
			for {
				select {
				case <-over:
					return
				default:
					disturbOne(t, l, a, b, rng)
					runtime.Gosched()
				}
			}
		})
	}
	file := tempFile(t, make([]byte, 300_000))
	sent := async(func() (int, error) { return sendAll(a, file, total, rngs[0]) })
	got := async(func() (int, error) { return readAll(b, rngs[1]) })
	if early {
		mustSee(t, func() bool { return b.Stats().BytesRead > uint64(total/4) })
		a.Close()
	}
	w := await(t, sent)
	a.Close()
	r := await(t, got)
	close(over)
	disturb.Wait()
	if r.err != nil || w.err != nil && !(early && errors.Is(w.err, net.ErrClosed)) {
		t.Errorf("%s: wrote %v, read %v", network, w.err, r.err)
	}
	as, bs := a.Stats(), b.Stats()
	if !early && w.n != r.n || as.BytesWritten != uint64(w.n) || bs.BytesRead != uint64(r.n) {
		t.Errorf("%s: %d bytes sent, %d read; the counts say %d and %d", network, w.n, r.n, as.BytesWritten, bs.BytesRead)
	}
	b.Close()
}

// disturbOne does one of the things that look at parked operations or end them.
// Nobody sends to a, and nobody but it reads from a.
func disturbOne(t *testing.T, l *loop.Loop, a, b *Conn, rng *rand.Rand) {
	soon := time.Now().Add(time.Duration(rng.IntN(600)-100) * time.Microsecond)
	switch rng.IntN(9) {
	case 0:
		Parked(l)
	case 1:
		a.Stats()
		b.Stats()
	case 2:
		a.SetDeadline(soon)
	case 3:
		b.SetReadDeadline(soon)
	case 4:
		b.SetReadDeadline(time.Time{})
	case 5: // as a health check does, on both ends
		for _, c := range []*Conn{a, b} {
			rawOf(c).Read(func(fd uintptr) bool { peekFD(fd, make([]byte, 1)); c.Stats(); return true })
		}
	case 6:
		rawOf(b).Control(func(uintptr) { Parked(l) })
	case 7:
		a.Read(make([]byte, 1)) // ended by a deadline
	case 8:
		l.Post(func() {
			Parked(l)
			if _, err := b.Write(nil); err != nil && !errors.Is(err, net.ErrClosed) && !isReset(err) {
				t.Error(err)
			}
			a.Stats()
		})
	}
	if rng.IntN(4) == 0 {
		a.SetDeadline(time.Now().Add(time.Millisecond)) // so that what waits on a ends
	}
}

// sendAll sends at least total bytes by Write and ReadFrom.
func sendAll(c *Conn, file *os.File, total int, rng *rand.Rand) (sent int, err error) {
	for sent < total {
		n := 0
		if rng.IntN(3) == 0 {
			var m int64
			file.Seek(0, io.SeekStart)
			m, err = c.ReadFrom(file)
			n = int(m)
		} else {
			n, err = c.Write(make([]byte, 1+rng.IntN(100_000)))
		}
		sent += n
		if errors.Is(err, os.ErrDeadlineExceeded) {
			c.SetWriteDeadline(time.Time{})
			err = nil
		}
		if err != nil {
			return sent, err
		}
	}
	return sent, nil
}

// readAll reads up to the end of the stream, whatever the deadlines do.
func readAll(c *Conn, rng *rand.Rand) (got int, err error) {
	buf := make([]byte, 64<<10)
	for {
		n, err := c.Read(buf[:1+rng.IntN(len(buf))])
		got += n
		switch {
		case err == io.EOF:
			return got, nil
		case errors.Is(err, os.ErrDeadlineExceeded):
			c.SetReadDeadline(time.Time{})
		case err != nil:
			return got, err
		}
	}
}

func mustSee(t *testing.T, what func() bool) {
	t.Helper()
	if !until(what) {
		t.Fatal("did not happen within 20 s")
	}
}
