package fakesock

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestTheDialersFieldsCount(t *testing.T) {
	l := startLoop(t)
	ln := listen(t, "tcp4")
	controlled := false
	d := &Dialer{Loop: l, Dialer: net.Dialer{
		LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 7)},
		Control: func(string, string, syscall.RawConn) error {
			controlled = true
			return nil
		},
		KeepAlive: -1,
	}}
	c, err := d.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if !controlled || !strings.HasPrefix(c.LocalAddr().String(), "127.0.0.7:") {
		t.Errorf("Control was called: %v; local address %v", controlled, c.LocalAddr())
	}
	if c.RemoteAddr().String() != ln.Addr().String() {
		t.Errorf("remote address %v, want %v", c.RemoteAddr(), ln.Addr())
	}
}

func TestDialErrorsAreThoseOfNet(t *testing.T) {
	l := startLoop(t)
	d := &Dialer{Loop: l}
	gone := listen(t, "tcp4")
	gone.Close()
	for _, to := range [][2]string{
		{"tcp", gone.Addr().String()},
		{"tcp", "127.0.0.1"},
		{"tcp9", "127.0.0.1:1"},
		{"unix", t.TempDir() + "/nobody"},
	} {
		_, err := d.Dial(to[0], to[1])
		_, want := net.Dial(to[0], to[1])
		if err == nil || err.Error() != want.Error() {
			t.Errorf("dial %v: %v, want %v", to, err, want)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := d.DialContext(ctx, "tcp", listen(t, "tcp4").Addr().String()); err == nil {
		t.Error("a cancelled context did not fail the dial")
	}
	if _, err := (&Dialer{}).Dial("tcp", "127.0.0.1:1"); !errors.Is(err, errNoLoop) {
		t.Errorf("without a loop: %v", err)
	}
}

func TestOtherNetworksAreDialledAsByNet(t *testing.T) {
	l := startLoop(t)
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer pc.Close()
	c, err := (&Dialer{Loop: l}).Dial("udp", pc.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, ok := c.(*net.UDPConn); !ok {
		t.Errorf("dialled a %T", c)
	}
}

func TestWrapRefusesWhatItCannotWrap(t *testing.T) {
	l := startLoop(t)
	a, b := net.Pipe()
	defer a.Close()
	defer b.Close()
	for _, c := range []net.Conn{a, tls.Client(a, &tls.Config{InsecureSkipVerify: true})} {
		if _, err := Wrap(l, c); err == nil || !strings.Contains(err.Error(), "TCPConn") {
			t.Errorf("Wrap(%T) = %v; the error must say what it takes", c, err)
		}
	}
}

// Deadlines and Close must not need the loop, which a callback may occupy.
func TestDeadlineAndCloseWorkWhileACallbackRuns(t *testing.T) {
	forSides(t, func(t *testing.T, s side, c *Conn, _ net.Conn) {
		l := startLoop(t)
		mine, _ := dialPair(t, l, "tcp4")
		s.fill(t, mine)
		r := async(func() (int, error) { return s.op(mine) })
		awaitParked(t, s.dir(mine))
		occupied, release := make(chan struct{}), make(chan struct{})
		defer close(release)
		l.Post(func() { close(occupied); <-release })
		await(t, occupied)
		s.set(mine, time.Now().Add(time.Millisecond))
		opErr(t, await(t, r).err, s.name, os.ErrDeadlineExceeded)

		s.set(mine, time.Time{})
		r = async(func() (int, error) { return s.op(mine) })
		awaitParked(t, s.dir(mine))
		mine.Close()
		opErr(t, await(t, r).err, s.name, net.ErrClosed)
	})
}
