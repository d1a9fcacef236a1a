//go:build (linux || darwin || freebsd || netbsd || openbsd || dragonfly) && !valetportable

package fakesock

import (
	"errors"
	"io"
	"net"
	"os"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/valet-go/valet/internal/sysio"
	"github.com/valet-go/valet/loop"
)

// opErr checks the shape of an error: a *net.OpError for op around want.
func opErr(t testing.TB, err error, op string, want error) {
	t.Helper()
	oe, ok := err.(*net.OpError)
	if !ok || oe.Op != op || !errors.Is(err, want) || oe.Source == nil || oe.Addr == nil {
		t.Errorf("got %#v (%v); want a *net.OpError of %q around %v with both addresses", err, err, op, want)
	}
	if ne, ok := err.(net.Error); !ok || ne.Timeout() != errors.Is(want, os.ErrDeadlineExceeded) {
		t.Errorf("%v: the outer error must say whether it is a timeout", err)
	}
}

// side is a direction under test, with an operation that parks in it.
type side struct {
	name string
	dir  func(*Conn) *direction
	fill func(testing.TB, *Conn) // makes the operation park
	op   func(*Conn) (int, error)
	set  func(*Conn, time.Time) error
}

var sides = []side{
	{
		"read",
		func(c *Conn) *direction { return &c.s.r },
		func(testing.TB, *Conn) {},
		func(c *Conn) (int, error) { return c.Read(make([]byte, 10)) },
		(*Conn).SetReadDeadline,
	},
	{
		"write",
		func(c *Conn) *direction { return &c.s.w },
		func(t testing.TB, c *Conn) { fill(t, c) },
		func(c *Conn) (int, error) { return c.Write(make([]byte, 10<<20)) },
		(*Conn).SetWriteDeadline,
	},
}

// forSides runs a test for each direction on each network.
func forSides(t *testing.T, f func(t *testing.T, s side, c *Conn, peer net.Conn)) {
	for _, network := range networks {
		for _, s := range sides {
			t.Run(network+"/"+s.name, func(t *testing.T) {
				l := startLoop(t)
				c, peer := dialPair(t, l, network)
				s.fill(t, c)
				f(t, s, c, peer)
			})
		}
	}
}

func TestCloseEndsAParkedCall(t *testing.T) {
	forSides(t, func(t *testing.T, s side, c *Conn, _ net.Conn) {
		first := async(func() (int, error) { return s.op(c) })
		awaitParked(t, s.dir(c))
		second := async(func() (int, error) { return s.op(c) }) // waits for the first one's lock
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
		opErr(t, await(t, first).err, s.name, net.ErrClosed)
		opErr(t, await(t, second).err, s.name, net.ErrClosed)
	})
}

func TestEverythingFailsAfterClose(t *testing.T) {
	forSides(t, func(t *testing.T, s side, c *Conn, _ net.Conn) {
		raw, err := c.SyscallConn()
		if err != nil {
			t.Fatal(err)
		}
		c.Close()
		_, err = s.op(c)
		opErr(t, err, s.name, net.ErrClosed)
		opErr(t, c.Close(), "close", net.ErrClosed)
		opErr(t, s.set(c, time.Now()), "set", net.ErrClosed)
		opErr(t, c.SetDeadline(time.Time{}), "set", net.ErrClosed)
		opErr(t, c.SetNoDelay(true), "set", net.ErrClosed)
		opErr(t, c.CloseWrite(), "close", net.ErrClosed)
		opErr(t, raw.Control(func(uintptr) { t.Error("called") }), "raw-control", net.ErrClosed)
		opErr(t, raw.Read(func(uintptr) bool { t.Error("called"); return true }), "raw-read", net.ErrClosed)
		_, err = c.File()
		opErr(t, err, "file", net.ErrClosed)
		_, err = c.Read(nil)
		opErr(t, err, "read", net.ErrClosed)
		if c.LocalAddr() == nil || c.RemoteAddr() == nil {
			t.Error("the addresses are gone")
		}
	})
}

func TestADeadlineWakesAParkedCall(t *testing.T) {
	forSides(t, func(t *testing.T, s side, c *Conn, _ net.Conn) {
		s.set(c, time.Now().Add(20*time.Millisecond)) // set before
		_, err := s.op(c)
		opErr(t, err, s.name, os.ErrDeadlineExceeded)
		_, err = s.op(c)
		opErr(t, err, s.name, os.ErrDeadlineExceeded)

		s.set(c, time.Time{}) // cleared, and set while the call is parked
		r := async(func() (int, error) { return s.op(c) })
		awaitParked(t, s.dir(c))
		s.set(c, time.Now().Add(time.Millisecond))
		opErr(t, await(t, r).err, s.name, os.ErrDeadlineExceeded)

		s.set(c, time.Now().Add(time.Hour)) // a later one is replaced by one in the past
		r = async(func() (int, error) { return s.op(c) })
		awaitParked(t, s.dir(c))
		s.set(c, time.Unix(1, 0))
		opErr(t, await(t, r).err, s.name, os.ErrDeadlineExceeded)
	})
}

// A timer that was armed for an earlier deadline must see that it has moved,
// and be armed again for the one in force.
func TestAnExtendedDeadlineDoesNotFailTheCall(t *testing.T) {
	forSides(t, func(t *testing.T, s side, c *Conn, _ net.Conn) {
		d := s.dir(c)
		s.set(c, time.Now().Add(time.Hour))
		r := async(func() (int, error) { return s.op(c) })
		awaitParked(t, d)
		s.set(c, time.Now().Add(2*time.Hour))
		d.fire() // what the timer of the first deadline does
		if len(r) != 0 || stateOf(d.word.Load()) != parked {
			t.Fatal("an old timer ended the call")
		}
		if d.timerAt.Load() != d.deadline.Load() {
			t.Fatal("the timer is not armed for the deadline in force")
		}
		s.set(c, time.Time{})
		d.fire()
		if len(r) != 0 || stateOf(d.word.Load()) != parked || d.timerAt.Load() != 0 {
			t.Fatal("a cleared deadline still counts")
		}
		s.set(c, time.Now().Add(time.Millisecond))
		opErr(t, await(t, r).err, s.name, os.ErrDeadlineExceeded)
	})
}

func TestDeadlinesAreIndependentAndCanBeRearmed(t *testing.T) {
	l := startLoop(t)
	a, b := fakePair(t, l, "tcp4")
	a.SetReadDeadline(time.Unix(1, 0))
	mustWrite(t, a, "write is not affected")
	_, err := a.Read(make([]byte, 1))
	opErr(t, err, "read", os.ErrDeadlineExceeded)
	a.SetReadDeadline(time.Time{})
	mustWrite(t, b, "x")
	mustRead(t, a, "x")
}

func TestAPastDeadlineComesBeforeData(t *testing.T) {
	l := startLoop(t)
	a, b := fakePair(t, l, "tcp4")
	mustWrite(t, b, "xy")
	mustRead(t, a, "x") // so "y" is known to be there
	a.SetDeadline(time.Now())
	_, err := a.Read(make([]byte, 1))
	opErr(t, err, "read", os.ErrDeadlineExceeded)
	_, err = a.Write(nil) // a zero-length Write looks at the deadline
	opErr(t, err, "write", os.ErrDeadlineExceeded)
	if n, err := a.Read(nil); n != 0 || err != nil { // a zero-length Read does not
		t.Errorf("Read(nil) = %d, %v", n, err)
	}
	a.SetDeadline(time.Time{})
	mustRead(t, a, "y")
}

func TestAPartialWriteReportsWhatItWrote(t *testing.T) {
	l := startLoop(t)
	c, peer := dialPair(t, l, "tcp4")
	const size = 64 << 20
	r := async(func() (int, error) { return c.Write(make([]byte, size)) })
	awaitParked(t, &c.s.w)
	c.SetWriteDeadline(time.Unix(1, 0))
	w := await(t, r)
	opErr(t, w.err, "write", os.ErrDeadlineExceeded)
	c.Close()
	got, err := io.Copy(io.Discard, peer)
	if err != nil || w.n == 0 || w.n == size || got != int64(w.n) {
		t.Errorf("Write reported %d bytes; %d arrived (%v)", w.n, got, err)
	}
}

func TestWritesAreAtomicAgainstOtherWriters(t *testing.T) {
	l := startLoop(t)
	a, b := fakePair(t, l, "tcp4")
	const writers, size = 4, 3 << 20
	for i := range writers {
		go func() {
			buf := make([]byte, size)
			for j := range buf {
				buf[j] = byte('a' + i)
			}
			if n, err := a.Write(buf); n != size || err != nil {
				t.Error(n, err)
			}
		}()
	}
	buf := make([]byte, size)
	for range writers {
		if _, err := io.ReadFull(b, buf); err != nil {
			t.Fatal(err)
		}
		for _, x := range buf {
			if x != buf[0] {
				t.Fatalf("%q between %q", x, buf[0])
			}
		}
	}
}

func TestEOFIsBareAndHalfCloseWorks(t *testing.T) {
	for _, network := range networks {
		t.Run(network, func(t *testing.T) {
			l := startLoop(t)
			a, b := fakePair(t, l, network)
			parkedRead := async(func() (int, error) { return b.Read(make([]byte, 1)) })
			awaitParked(t, &b.s.r)
			if err := a.CloseWrite(); err != nil {
				t.Fatal(err)
			}
			if r := await(t, parkedRead); r.err != io.EOF {
				t.Errorf("a parked Read returned %v, want io.EOF", r.err)
			}
			if _, err := b.Read(make([]byte, 1)); err != io.EOF {
				t.Errorf("Read = %v, want io.EOF", err)
			}
			mustWrite(t, b, "the other half still works")
			mustRead(t, a, "the other half still works")
			_, err := a.Write([]byte("x"))
			opErr(t, err, "write", syscall.EPIPE)
			var se *os.SyscallError
			if !errors.As(err, &se) || se.Syscall != "write" {
				t.Errorf("%#v has no *os.SyscallError of write", err)
			}
			if err := a.CloseRead(); err != nil {
				t.Fatal(err)
			}
			if _, err := a.Read(make([]byte, 1)); err != io.EOF {
				t.Errorf("Read after CloseRead = %v, want io.EOF", err)
			}
		})
	}
}

func TestAResetReachesBothSides(t *testing.T) {
	forSides(t, func(t *testing.T, s side, c *Conn, peer net.Conn) {
		tcp, ok := peer.(*net.TCPConn)
		if !ok {
			t.Log("unix sockets reset by closing with unread data, which the write side has made")
			r := async(func() (int, error) { return s.op(c) })
			awaitParked(t, s.dir(c))
			peer.Close()
			if err := await(t, r).err; err == nil {
				t.Error("no error")
			}
			return
		}
		r := async(func() (int, error) { return s.op(c) })
		awaitParked(t, s.dir(c))
		tcp.SetLinger(0)
		tcp.Close()
		opErr(t, await(t, r).err, s.name, syscall.ECONNRESET)
	})
}

func TestWouldBlockOnALoop(t *testing.T) {
	forSides(t, func(t *testing.T, s side, c *Conn, _ net.Conn) {
		other := startLoop(t)
		r := make(chan result, 1)
		other.Post(func() {
			n, err := s.op(c)
			r <- result{n, err}
		})
		opErr(t, await(t, r).err, s.name, loop.ErrWouldBlockLoop)
	})
}

func TestDialOnALoopFails(t *testing.T) {
	l := startLoop(t)
	ln := listen(t, "tcp4")
	r := make(chan error, 1)
	l.Post(func() {
		_, err := (&Dialer{Loop: l}).Dial("tcp", ln.Addr().String())
		r <- err
	})
	if err := await(t, r); !errors.Is(err, loop.ErrWouldBlockLoop) {
		t.Errorf("Dial = %v, want ErrWouldBlockLoop", err)
	}
}

func TestWhatDoesNotWaitWorksOnALoop(t *testing.T) {
	l := startLoop(t)
	a, b := fakePair(t, l, "tcp4")
	mustWrite(t, b, "xy")
	mustRead(t, a, "x")
	done := make(chan struct{})
	l.Post(func() {
		defer close(done)
		mustRead(t, a, "y")
		mustWrite(t, a, "z")
	})
	await(t, done)
	mustRead(t, b, "z")
}

func TestClosingTheLoopEndsParkedCalls(t *testing.T) {
	forSides(t, func(t *testing.T, s side, c *Conn, _ net.Conn) {
		l2 := startLoop(t)
		c2, _ := dialPair(t, l2, "tcp4")
		s.fill(t, c2)
		r := async(func() (int, error) { return s.op(c2) })
		awaitParked(t, s.dir(c2))
		l2.Close()
		opErr(t, await(t, r).err, s.name, loop.ErrClosed)
		_, err := s.op(c2) // and what would park later
		opErr(t, err, s.name, loop.ErrClosed)
		if _, err := (&Dialer{Loop: l2}).Dial("tcp", listen(t, "tcp4").Addr().String()); !errors.Is(err, loop.ErrClosed) {
			t.Errorf("Dial on a closed loop = %v", err)
		}
	})
}

func TestGarbageGivesItsDescriptorBack(t *testing.T) {
	l := startLoop(t)
	ln := listen(t, "tcp4")
	func() {
		c, err := (&Dialer{Loop: l}).Dial("tcp", ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		mustWrite(t, c, "x")
	}()
	peer, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer peer.Close()
	mustRead(t, peer, "x")
	eof := async(func() (int, error) { return peer.Read(make([]byte, 1)) })
	for end := time.Now().Add(20 * time.Second); ; runtime.GC() {
		select {
		case r := <-eof:
			if r.err != io.EOF {
				t.Error(r.err)
			}
			return
		default:
			if time.Now().After(end) {
				t.Fatal("the descriptor of a forgotten Conn was not closed within 20 s")
			}
		}
	}
}

// While a Read is parked nothing else may refer to the Conn.
func TestAParkedCallKeepsItsConnAlive(t *testing.T) {
	l := startLoop(t)
	ln := listen(t, "tcp4")
	r := async(func() (int, error) {
		c, err := (&Dialer{Loop: l}).Dial("tcp", ln.Addr().String())
		if err != nil {
			return 0, err
		}
		return c.Read(make([]byte, 1))
	})
	peer, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer peer.Close()
	for range 20 {
		runtime.GC()
		runtime.Gosched()
	}
	mustWrite(t, peer, "x")
	if got := await(t, r); got.n != 1 || got.err != nil {
		t.Errorf("Read = %d, %v", got.n, got.err)
	}
}

func TestSteadyStateDoesNotAllocate(t *testing.T) {
	if sysio.RaceEnabled {
		t.Log("allocations are counted without the race detector, which adds its own")
		return
	}
	l := startLoop(t)
	a, b := fakePair(t, l, "tcp4")
	buf := make([]byte, 64)
	go func() {
		buf := make([]byte, 64)
		for {
			if _, err := io.ReadFull(b, buf); err != nil {
				return
			}
			b.SetDeadline(time.Now().Add(time.Minute))
			if _, err := b.Write(buf); err != nil {
				return
			}
		}
	}()
	if n := testing.AllocsPerRun(2000, func() {
		a.SetDeadline(time.Now().Add(time.Minute))
		a.Write(buf)
		io.ReadFull(a, buf)
	}); n != 0 {
		t.Errorf("%v allocations for a write, a read and a deadline on each end", n)
	}
}
