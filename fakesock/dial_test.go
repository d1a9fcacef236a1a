package fakesock

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"slices"
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

func TestControlContextSeesTheContextAndTheSocket(t *testing.T) {
	l := startLoop(t)
	for _, network := range networks {
		type key struct{}
		var seen []any
		d := &Dialer{Loop: l, Dialer: net.Dialer{
			ControlContext: func(ctx context.Context, network, address string, raw syscall.RawConn) error {
				return raw.Control(func(uintptr) { seen = append(seen, ctx.Value(key{}), network, address) })
			},
		}}
		ln := listen(t, network)
		c, err := d.DialContext(context.WithValue(context.Background(), key{}, "mine"), network, ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		c.Close()
		if want := []any{"mine", network, ln.Addr().String()}; !slices.Equal(seen, want) {
			t.Errorf("ControlContext saw %v, want %v", seen, want)
		}
		refusal := errors.New("not this one")
		d.ControlContext = func(context.Context, string, string, syscall.RawConn) error { return refusal }
		if _, err := d.Dial(network, ln.Addr().String()); !errors.Is(err, refusal) {
			t.Errorf("Dial = %v, want what ControlContext returned", err)
		}
	}
}

// lateCancel is a context that ends at a moment when package net no longer
// looks: the connection stands.
type lateCancel struct{ context.Context }

func (lateCancel) Err() error { return context.Canceled }

func TestACancelledContextFailsADialThatHasConnected(t *testing.T) {
	l := startLoop(t)
	for _, network := range networks {
		ln := listen(t, network)
		c, err := (&Dialer{Loop: l}).DialContext(lateCancel{context.Background()}, network, ln.Addr().String())
		if !errors.Is(err, context.Canceled) || c != nil {
			t.Errorf("Dial = %v, %v", c, err)
		}
		peer, err := ln.Accept()
		if err != nil {
			t.Fatal(err)
		}
		if r := await(t, async(func() (int, error) { return peer.Read(make([]byte, 1)) })); r.err != io.EOF {
			t.Errorf("the connection was not closed: %v", r.err)
		}
		peer.Close()
	}
}

func TestACancelledContextEndsADialThatWaits(t *testing.T) {
	l := startLoop(t)
	ctx, cancel := context.WithCancel(context.Background())
	d := &Dialer{Loop: l, Dialer: net.Dialer{ // in the middle of the dial
		Control: func(string, string, syscall.RawConn) error { cancel(); return nil },
	}}
	c, err := d.DialContext(ctx, "tcp4", listen(t, "tcp4").Addr().String())
	if err == nil || c != nil {
		t.Errorf("Dial = %v, %v", c, err)
	}
}

func TestTheDialersTimeoutAndDeadlineCount(t *testing.T) {
	l := startLoop(t)
	address := listen(t, "tcp4").Addr().String()
	for name, nd := range map[string]net.Dialer{
		"Timeout": {Timeout: time.Nanosecond}, "Deadline": {Deadline: time.Unix(1, 0)},
	} {
		var ne net.Error
		if _, err := (&Dialer{Loop: l, Dialer: nd}).Dial("tcp4", address); !errors.As(err, &ne) || !ne.Timeout() {
			t.Errorf("%s: Dial = %v, want a timeout", name, err)
		}
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
