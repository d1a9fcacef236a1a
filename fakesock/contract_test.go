package fakesock

import (
	"errors"
	"io"
	"net"
	"os"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/valet-go/valet/loop"
)

// opErr checks the shape of an error: a *net.OpError for op around want, with
// the addresses that package net gives it.
func opErr(t testing.TB, err error, op string, want error) {
	t.Helper()
	oe, ok := err.(*net.OpError)
	ownOnly := op == "set" || op == "accept" || op == "raw-control" // see TestErrorsReadLikeThoseOfNet
	if !ok || oe.Op != op || !errors.Is(err, want) || oe.Source == nil && !ownOnly || oe.Addr == nil {
		t.Errorf("got %#v (%v); want a *net.OpError of %q around %v with the addresses", err, err, op, want)
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
		if _, err := c.SyscallConn(); err != nil { // only its methods fail
			t.Error(err)
		}
		_, err = s.op(c)
		opErr(t, err, s.name, net.ErrClosed)
		opErr(t, c.Close(), "close", net.ErrClosed)
		opErr(t, s.set(c, time.Now()), "set", net.ErrClosed)
		opErr(t, c.SetDeadline(time.Time{}), "set", net.ErrClosed)
		if c.LocalAddr().Network() == "tcp" { // package net refuses it elsewhere
			opErr(t, c.SetNoDelay(true), "set", net.ErrClosed)
		}
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

func TestWritesAreAtomicAgainstOtherWriters(t *testing.T) {
	for _, network := range networks {
		t.Run(network, func(t *testing.T) { writeFromMany(t, network) })
	}
}

func writeFromMany(t *testing.T, network string) {
	l := startLoop(t)
	a, b := fakePair(t, l, network)
	a.SetWriteBuffer(32 << 10) // so that writes park again and again
	b.SetReadBuffer(32 << 10)
	const writers, size = 4, 2 << 20
	var wg sync.WaitGroup
	defer wg.Wait()
	defer a.Close() // ends them if this fails
	for i := range writers {
		wg.Go(func() {
			buf := make([]byte, size)
			for j := range buf {
				buf[j] = byte('a' + i)
			}
			if n, err := a.Write(buf); n != size || err != nil {
				t.Error(n, err)
			}
		})
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
	wg.Wait()
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
