package fakesock

import (
	"io"
	"net"
	"os"
	"testing"
	"time"
)

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
	mustReadSome(t, peer, make([]byte, 1)) // it has begun
	awaitParked(t, &c.s.w)
	c.SetWriteDeadline(time.Unix(1, 0))
	w := await(t, r)
	opErr(t, w.err, "write", os.ErrDeadlineExceeded)
	c.Close()
	rest, err := io.Copy(io.Discard, peer)
	if got := rest + 1; err != nil || w.n == size || got != int64(w.n) {
		t.Errorf("Write reported %d bytes; %d arrived (%v)", w.n, got, err)
	}
}
