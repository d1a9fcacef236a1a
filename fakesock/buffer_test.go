package fakesock

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"runtime"
	"testing"
	"time"
)

// Once a call has returned, nobody else touches its buffer; the race detector
// sees it if somebody does.
func TestTheBufferIsTheCallersAgain(t *testing.T) {
	for _, network := range networks {
		l := startLoop(t)
		a, b := fakePair(t, l, network)
		stop := make(chan struct{})
		sent := async(func() (total int, err error) {
			for {
				select {
				case <-stop:
					return total, b.CloseWrite()
				default:
					n, err := b.Write([]byte("x"))
					total += n
					if err != nil {
						return total, err
					}
					runtime.Gosched()
				}
			}
		})
		buf := make([]byte, 1000)
		got := 0
		for i := range 300 {
			a.SetReadDeadline(time.Now().Add(time.Duration(i%20) * time.Microsecond))
			n, err := a.Read(buf)
			got += n
			if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Fatal(err)
			}
			clear(buf) // would race with a late read
		}
		close(stop)
		s := await(t, sent)
		if s.err != nil {
			t.Fatal(s.err)
		}
		a.SetReadDeadline(time.Time{})
		rest, err := io.ReadAll(a)
		if err != nil || got+len(rest) != s.n {
			t.Errorf("%s: %d bytes sent, %d read, %v", network, s.n, got+len(rest), err)
		}
	}
}

func TestAZeroLengthReadTakesTheReadLock(t *testing.T) {
	l := startLoop(t)
	c, peer := dialPair(t, l, "tcp4")
	first := async(func() (int, error) { return c.Read(make([]byte, 1)) })
	awaitParked(t, &c.s.r)
	second := async(func() (int, error) { return c.Read(nil) })
	for range 1000 { // would have run by now
		runtime.Gosched()
	}
	if len(second) != 0 {
		t.Error("Read(nil) did not wait for the Read before it")
	}
	mustWrite(t, peer, "x")
	for _, r := range []result{await(t, first), await(t, second)} {
		if r.err != nil {
			t.Error(r.err)
		}
	}
}

func TestBuffersAreOneWritePerSlice(t *testing.T) {
	l := startLoop(t)
	a, b := fakePair(t, l, "tcp4")
	bufs := net.Buffers{[]byte("one "), []byte("two "), []byte("three")}
	if n, err := bufs.WriteTo(a); n != 13 || err != nil {
		t.Fatal(n, err)
	}
	got := make([]byte, 13)
	if _, err := io.ReadFull(b, got); err != nil || !bytes.Equal(got, []byte("one two three")) {
		t.Errorf("read %q, %v", got, err)
	}
	if s := a.Stats(); s.Writes != 3 {
		t.Errorf("%d writes", s.Writes)
	}
}
