package fakesock

import (
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/valet-go/valet/loop"
)

// target is a Conn or Listener under test.
type target interface {
	Close() error
	SetDeadline(time.Time) error
}

// operation waits until finish has been called.
type operation struct {
	name  string
	setup func(t *testing.T, l *loop.Loop, network string) (on target, d *direction, op func() error, finish func())
}

// tooMuch is what buffers of 32 KiB do not hold.
const tooMuch = 2 << 20

// forReading has a peer that has sent nothing, forWriting one that reads nothing.
func forReading(op func(*Conn) error) func(*testing.T, *loop.Loop, string) (target, *direction, func() error, func()) {
	return func(t *testing.T, l *loop.Loop, network string) (target, *direction, func() error, func()) {
		c, peer := dialPair(t, l, network)
		return c, &c.s.r, func() error { return op(c) }, func() { mustWrite(t, peer, "x") }
	}
}

func forWriting(op func(*testing.T, *Conn) error) func(*testing.T, *loop.Loop, string) (target, *direction, func() error, func()) {
	return func(t *testing.T, l *loop.Loop, network string) (target, *direction, func() error, func()) {
		c, peer := dialPair(t, l, network)
		c.SetWriteBuffer(32 << 10)
		peer.(interface{ SetReadBuffer(int) error }).SetReadBuffer(32 << 10)
		return c, &c.s.w, func() error { return op(t, c) }, func() { go io.Copy(io.Discard, peer) }
	}
}

var operations = []operation{
	{"read", forReading(func(c *Conn) error { _, err := c.Read(make([]byte, 10)); return err })},
	{"raw-read", forReading(func(c *Conn) error {
		return rawOf(c).Read(func(fd uintptr) bool { n, _ := readFD(fd, make([]byte, 10)); return n > 0 })
	})},
	{"write", forWriting(func(_ *testing.T, c *Conn) error { _, err := c.Write(make([]byte, tooMuch)); return err })},
	{"raw-write", forWriting(func(_ *testing.T, c *Conn) error {
		left := make([]byte, tooMuch)
		return rawOf(c).Write(func(fd uintptr) bool {
			for len(left) > 0 {
				n, err := writeFD(fd, left)
				if err != nil {
					return false
				}
				left = left[n:]
			}
			return true
		})
	})},
	{"readfrom", forWriting(func(t *testing.T, c *Conn) error {
		_, err := c.ReadFrom(tempFile(t, make([]byte, tooMuch)))
		return err
	})},
	{"accept", func(t *testing.T, l *loop.Loop, network string) (target, *direction, func() error, func()) {
		ln := listenFake(t, l, network)
		accept := func() error {
			c, err := ln.Accept()
			if err == nil {
				c.Close()
			}
			return err
		}
		return ln, &ln.s.r, accept, func() {
			c, err := net.Dial(network, ln.Addr().String())
			if err != nil {
				t.Error(err)
				return
			}
			c.Close()
		}
	}},
}

// interruptions end an operation, or do not let it begin.
var interruptions = []struct {
	name string
	do   func(on target, l *loop.Loop)
	want error
}{
	{"Close", func(on target, _ *loop.Loop) { on.Close() }, net.ErrClosed},
	{"a deadline in the past", func(on target, _ *loop.Loop) { on.SetDeadline(time.Unix(1, 0)) }, os.ErrDeadlineExceeded},
	{"a deadline soon", func(on target, _ *loop.Loop) { on.SetDeadline(time.Now().Add(time.Millisecond)) }, os.ErrDeadlineExceeded},
	{"closing the loop", func(_ target, l *loop.Loop) { l.Close() }, loop.ErrClosed},
	{"closing the loop, then Close", func(on target, l *loop.Loop) { l.Close(); on.Close() }, loop.ErrClosed},
	{"a deadline in the past, then Close", func(on target, _ *loop.Loop) { on.SetDeadline(time.Unix(1, 0)); on.Close() }, os.ErrDeadlineExceeded},
	{"Close, then a deadline in the past", func(on target, _ *loop.Loop) { on.Close(); on.SetDeadline(time.Unix(1, 0)) }, net.ErrClosed},
}

// Every operation, interrupted in every way before, while and after it waits.
func TestInterruptions(t *testing.T) {
	for _, network := range networks {
		for _, o := range operations {
			for _, i := range interruptions {
				if portable && i.want == loop.ErrClosed {
					continue // Go's poller does not know of the loop
				}
				t.Run(network+"/"+o.name+"/"+i.name, func(t *testing.T) {
					t.Run("before", func(t *testing.T) {
						l := startLoop(t)
						on, _, op, _ := o.setup(t, l, network)
						i.do(on, l)
						want := i.want
						if strings.HasSuffix(i.name, "then Close") {
							want = net.ErrClosed // comes before everything else
						}
						// A copy that has not begun fails in the write.
						opErr(t, op(), o.name, want)
					})
					t.Run("during", func(t *testing.T) {
						if portable && strings.HasPrefix(o.name, "raw-") {
							return // nobody can see that it waits
						}
						l := startLoop(t)
						on, d, op, _ := o.setup(t, l, network)
						r := async(func() (int, error) { return 0, op() })
						awaitParked(t, d)
						i.do(on, l)
						err := await(t, r).err
						if strings.Contains(i.name, "then") && errors.Is(err, net.ErrClosed) {
							return // whichever the call saw first
						}
						opErr(t, err, o.name, i.want)
					})
					t.Run("after", func(t *testing.T) {
						l := startLoop(t)
						on, _, op, finish := o.setup(t, l, network)
						r := async(func() (int, error) { return 0, op() })
						finish()
						if err := await(t, r).err; err != nil {
							t.Fatal(err)
						}
						i.do(on, l)
						if i.want != loop.ErrClosed && !strings.Contains(i.name, "soon") {
							if err := op(); err == nil {
								t.Error("the next one succeeded")
							}
						}
					})
				})
			}
		}
	}
}
