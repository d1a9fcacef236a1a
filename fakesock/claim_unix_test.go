//go:build (linux || darwin || freebsd || netbsd || openbsd || dragonfly) && !valetportable

package fakesock

import (
	"net"
	"os"
	"testing"
	"time"

	"github.com/valet-go/valet/loop"
)

// Who claims an operation to look at it must not lose an event that comes
// meanwhile: edge-triggered events come once.
func TestAnEventDuringAClaimIsNotLost(t *testing.T) {
	forSides(t, func(t *testing.T, s side, c *Conn, _ net.Conn) {
		r := async(func() (int, error) { return s.op(c) })
		d := s.dir(c)
		awaitParked(t, d)
		w, ok := d.claim()
		for !ok {
			w, ok = d.claim()
		}
		d.event() // as the loop notes it
		if d.unclaim(w) {
			t.Error("the operation was parked again, with the event lost")
		}
		awaitParked(t, d) // its caller looked, and there was nothing
		c.Close()
		await(t, r)
	})
}

// mustClaim claims what is parked in d.
func mustClaim(t *testing.T, d *direction) uint32 {
	t.Helper()
	awaitParked(t, d)
	w, ok := d.claim()
	for !ok {
		w, ok = d.claim()
	}
	return w
}

// Nor what else ends an operation: a deadline, the end of the loop, Close. Each
// looks once, finds the claim, and leaves the operation to the claimer.
func TestWhatEndsAnOperationDuringAClaimIsNotLost(t *testing.T) {
	claimers := map[string]func(s *sock, d *direction, w uint32){
		"Stats": func(_ *sock, d *direction, w uint32) { d.readClaimed(w) },
		"an event, and there was nothing": func(s *sock, d *direction, _ uint32) {
			if d == &s.r {
				s.readParked()
			} else {
				s.writeParked()
			}
		},
	}
	ends := map[string]struct {
		do   func(l *loop.Loop, c *Conn)
		want error
	}{
		"a deadline":       {func(_ *loop.Loop, c *Conn) { c.SetDeadline(time.Unix(1, 0)) }, os.ErrDeadlineExceeded},
		"a timer":          {func(_ *loop.Loop, c *Conn) { c.s.r.deadline.Store(1); c.s.w.deadline.Store(1); c.s.fire() }, os.ErrDeadlineExceeded},
		"the loop's end":   {func(l *loop.Loop, _ *Conn) { l.Close() }, loop.ErrClosed},
		"Close":            {func(_ *loop.Loop, c *Conn) { c.Close() }, net.ErrClosed},
		"a later deadline": {func(_ *loop.Loop, c *Conn) { c.SetDeadline(time.Now().Add(20 * time.Millisecond)) }, os.ErrDeadlineExceeded},
	}
	for endName, end := range ends {
		for claimer, release := range claimers {
			for _, s := range sides {
				t.Run(endName+"/"+claimer+"/"+s.name, func(t *testing.T) {
					l := startLoop(t)
					c, _ := dialPair(t, l, "unix")
					s.fill(t, c)
					op := func() (int, error) { return c.Read(make([]byte, 10)) }
					if s.name == "write" {
						op = func() (int, error) { return c.Write(make([]byte, 10)) } // so short that the loop writes it
					}
					r := async(op)
					d := s.dir(c)
					w := mustClaim(t, d)
					end.do(l, c)
					if len(r) != 0 || d.op.out != again {
						t.Error("somebody else completed the operation")
					}
					release(c.s, d, w)
					opErr(t, await(t, r).err, s.name, end.want)
				})
			}
		}
	}
}

func TestNoTimerIsLeftArmed(t *testing.T) {
	l := startLoop(t)
	c, _ := dialPair(t, l, "tcp4")
	c.SetReadDeadline(time.Now().Add(time.Hour))
	r := async(func() (int, error) { return c.Read(make([]byte, 1)) })
	awaitParked(t, &c.s.r)
	mustSee(t, func() bool { return c.s.alarm.at.Load() != 0 })
	c.Close()
	await(t, r)
	if c.s.alarm.timer.Stop() {
		t.Error("Close left the timer armed")
	}
	c.s.alarm.at.Store(0)
	c.s.arm(now()+int64(time.Hour), now()) // by a call that was about to park
	if c.s.alarm.timer.Stop() {
		t.Error("the timer of a closed connection was armed")
	}
}
