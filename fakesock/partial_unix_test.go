//go:build (linux || darwin || freebsd || netbsd || openbsd || dragonfly) && !valetportable

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

	"github.com/valet-go/valet/internal/sysio"
	"github.com/valet-go/valet/loop"
)

// narrowPair is a pair whose buffers hold little, the write side full, and how
// much that was. On a unix socket: TCP takes 64 KiB at once, or nothing.
func narrowPair(t *testing.T, l *loop.Loop) (c *Conn, peer net.Conn, filled int) {
	t.Helper()
	c, peer = dialPair(t, l, "unix")
	c.SetWriteBuffer(1)
	return c, peer, fill(t, c)
}

// writtenByTheLoop is how much of a parked write the loop has written, or -1 if
// none is parked.
func writtenByTheLoop(d *direction) int {
	w, ok := d.claim()
	if !ok {
		return -1
	}
	n := d.op.n
	if d.unclaim(w) {
		d.recheck()
	}
	return n
}

// A short remainder is written by the loop, perhaps in parts; whatever ends the
// call then must not forget them.
func TestWhatTheLoopWroteIsReported(t *testing.T) {
	for name, end := range map[string]struct {
		do   func(*Conn)
		want error
	}{
		"a deadline": {func(c *Conn) { c.SetWriteDeadline(time.Unix(1, 0)) }, os.ErrDeadlineExceeded},
		"Close":      {func(c *Conn) { c.Close() }, net.ErrClosed},
	} {
		t.Run(name, func(t *testing.T) {
			l := startLoop(t)
			for range 50 {
				if partialWrite(t, l, end.do, end.want) {
					return
				}
			}
			t.Error("the loop always wrote all or nothing")
		})
	}
}

// partialWrite reports false if there was no partial write to be seen.
func partialWrite(t *testing.T, l *loop.Loop, end func(*Conn), want error) bool {
	c, peer, filled := narrowPair(t, l)
	defer peer.Close()
	defer c.Close()
	wrote := async(func() (int, error) { return c.Write(make([]byte, sysio.Inline)) })
	awaitParked(t, &c.s.w)
	arrived, buf := 0, make([]byte, 256)
	for len(wrote) == 0 && writtenByTheLoop(&c.s.w) <= 0 {
		peer.SetReadDeadline(time.Now().Add(time.Millisecond))
		n, err := peer.Read(buf)
		arrived += n
		if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatal(err)
		}
	}
	end(c)
	w := await(t, wrote)
	if w.err == nil {
		return false // it was all written
	}
	opErr(t, w.err, "write", want)
	c.Close()
	peer.SetReadDeadline(time.Time{})
	rest, err := io.Copy(io.Discard, peer)
	if total := arrived + int(rest); err != nil || total != filled+w.n || w.n == 0 {
		t.Errorf("Write reported %d bytes after %d; %d arrived (%v)", w.n, filled, total, err)
	}
	return true
}

// The loop must not send from a buffer whose Write has returned: the race
// detector sees it, and so do wrong bytes.
func TestTheWritersBufferIsItsOwnAgain(t *testing.T) {
	l := startLoop(t)
	c, peer, filled := narrowPair(t, l)
	arrived := make(chan []byte, 1)
	go func() {
		var all []byte
		buf := make([]byte, 512)
		for {
			n, err := peer.Read(buf)
			all = append(all, buf[:n]...)
			if err != nil {
				arrived <- all
				return
			}
			runtime.Gosched()
		}
	}()
	buf := make([]byte, 4000)
	want := make([]byte, filled)
	for i := range 200 {
		for j := range buf {
			buf[j] = byte(1 + i%250)
		}
		c.SetWriteDeadline(time.Now().Add(time.Duration(i%40) * time.Microsecond))
		n, err := c.Write(buf)
		if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatal(err)
		}
		want = append(want, buf[:n]...)
		clear(buf)
	}
	c.Close()
	if got := await(t, arrived); !bytes.Equal(got, want) {
		t.Errorf("%d bytes arrived, %d were reported, or others", len(got), len(want))
	}
}

// Raw calls and others of the same direction take turns.
func TestRawCallsTakeTheLock(t *testing.T) {
	forSides(t, func(t *testing.T, s side, c *Conn, _ net.Conn) {
		raw := map[string]func(func(uintptr) bool) error{"read": rawOf(c).Read, "write": rawOf(c).Write}[s.name]
		first := async(func() (int, error) { return s.op(c) })
		awaitParked(t, s.dir(c))
		called := make(chan struct{}, 1)
		second := async(func() (int, error) {
			return 0, raw(func(uintptr) bool { called <- struct{}{}; return true })
		})
		for range 1000 { // would have run by now
			runtime.Gosched()
		}
		if len(called) != 0 || len(second) != 0 {
			t.Error("the raw call did not wait for the call before it")
		}
		s.set(c, time.Unix(1, 0))
		await(t, first)
		opErr(t, await(t, second).err, "raw-"+s.name, os.ErrDeadlineExceeded)
		if len(called) != 0 {
			t.Error("the function was called although the deadline has passed")
		}
		s.set(c, time.Time{})

		inside, release := make(chan struct{}), make(chan struct{})
		second = async(func() (int, error) {
			return 0, raw(func(uintptr) bool { close(inside); <-release; return true })
		})
		await(t, inside)
		first = async(func() (int, error) { return s.op(c) })
		for range 1000 {
			runtime.Gosched()
		}
		if stateOf(s.dir(c).word.Load()) == parked || len(first) != 0 {
			t.Error("the call did not wait for the raw call before it")
		}
		close(release)
		if r := await(t, second); r.err != nil {
			t.Error(r.err)
		}
		awaitParked(t, s.dir(c))
		c.Close()
		await(t, first)
	})
}
