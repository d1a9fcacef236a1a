//go:build (linux || darwin || freebsd || netbsd || openbsd || dragonfly) && !valetportable

package fakesock

import (
	"net"
	"runtime"
	"testing"
)

func TestCloseWaitsForTheClaimsOfOthers(t *testing.T) {
	forSides(t, func(t *testing.T, s side, c *Conn, _ net.Conn) {
		d := s.dir(c)
		id, r := call(func() error { _, err := s.op(c); return err })
		w := mustClaim(t, d)
		found := make(chan bool, 1)
		go func() { found <- d.closeFor(id) }()
		for range 100 { // let it try
			if runtime.Gosched(); c.s.users.closed() {
				t.Fatal("it was closed under another's claim")
			}
		}
		d.release(w)
		if !await(t, found) {
			t.Error("it was not closed after the claim")
		}
		opErr(t, await(t, r).err, s.name, net.ErrClosed)
	})
}

// The operation is left to the claimer by a Close that comes at the same time.
func TestCloseWhileAnotherCloseIsUnderWay(t *testing.T) {
	forSides(t, func(t *testing.T, s side, c *Conn, _ net.Conn) {
		d := s.dir(c)
		id, r := call(func() error { _, err := s.op(c); return err })
		awaitParked(t, d)
		if !c.s.users.close() { // Close begins
			t.Fatal("closed before")
		}
		if !d.closeFor(id) {
			t.Error("the operation was not found")
		}
		opErr(t, await(t, r).err, s.name, net.ErrClosed)
		c.s.shutDown() // Close goes on
		if isOpen(int(c.s.fd)) {
			t.Error("the descriptor was not closed")
		}
	})
}

// Whoever looks for somebody else's operation must not lose an event.
func TestAnEventDuringALookIsNotLost(t *testing.T) {
	l := startLoop(t)
	a, b := fakePair(t, l, "tcp4")
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			default:
				if a.s.r.closeFor(0) {
					t.Error("closed for nobody")
				}
			}
		}
	}()
	for range 2000 {
		r := async(func() (int, error) { return a.Read(make([]byte, 1)) })
		mustWrite(t, b, "x")
		if err := await(t, r).err; err != nil {
			t.Fatal(err)
		}
	}
	close(stop)
	<-stopped
}
