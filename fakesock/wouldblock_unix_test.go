//go:build (linux || darwin || freebsd || netbsd || openbsd || dragonfly) && !valetportable

package fakesock

import (
	"runtime"
	"testing"

	"github.com/valet-go/valet/loop"
)

// onLoop runs f as a callback of l and waits for it.
func onLoop(t *testing.T, l *loop.Loop, f func() error) error {
	t.Helper()
	r := make(chan error, 1)
	if err := l.Post(func() { r <- f() }); err != nil {
		t.Fatal(err)
	}
	return await(t, r)
}

// A callback must not wait for the call of another goroutine either, which may
// be parked and then waits for the callback to return.
func TestACallbackDoesNotWaitForAnothersCall(t *testing.T) {
	for _, network := range networks {
		for _, o := range operations {
			t.Run(network+"/"+o.name, func(t *testing.T) {
				l := startLoop(t)
				on, d, op, finish := o.setup(t, l, network)
				first := async(func() (int, error) { return 0, op() })
				awaitParked(t, d)
				opErr(t, onLoop(t, l, op), o.name, loop.ErrWouldBlockLoop)
				if c, ok := on.(*Conn); ok && d == &c.s.r { // what would not wait for the socket
					opErr(t, onLoop(t, l, func() error { _, err := c.Read(nil); return err }), "read", loop.ErrWouldBlockLoop)
				}
				finish()
				if r := await(t, first); r.err != nil {
					t.Error(r.err)
				}
			})
		}
	}
}

func TestACallbackDoesNotWaitForARawUsersFunction(t *testing.T) {
	l := startLoop(t)
	a, b := fakePair(t, l, "tcp4")
	mustWrite(t, b, "x")
	if err := rawOf(a).Read(func(uintptr) bool {
		opErr(t, onLoop(t, l, func() error { _, err := a.Read(make([]byte, 1)); return err }), "read", loop.ErrWouldBlockLoop)
		return true
	}); err != nil {
		t.Error(err)
	}
	mustRead(t, a, "x")
}

// A call that does not park is over soon; a callback need not fail for it.
func TestACallbackWaitsForACallThatIsUnderWay(t *testing.T) {
	l := startLoop(t)
	c, _ := dialPair(t, l, "tcp4")
	c.s.w.mu.Lock() // as a Write has it
	go func() {
		runtime.Gosched()
		c.s.w.mu.Unlock()
	}()
	if err := onLoop(t, l, func() error { _, err := c.Write([]byte("x")); return err }); err != nil {
		t.Error(err)
	}
}

// A raw user's function that fails to say whether it emptied the socket, or
// says that it waits where it must not, leaves what it has not read to others.
func TestARawUserLosesNoReadiness(t *testing.T) {
	for name, look := range map[string]func(*testing.T, *loop.Loop, *Conn){
		"a panic": func(t *testing.T, _ *loop.Loop, c *Conn) {
			defer func() {
				if recover() == nil {
					t.Error("the panic was swallowed")
				}
			}()
			rawOf(c).Read(func(uintptr) bool { panic("as planned") })
		},
		"Goexit": func(t *testing.T, _ *loop.Loop, c *Conn) {
			gone := make(chan struct{})
			go func() {
				defer close(gone)
				rawOf(c).Read(func(uintptr) bool { runtime.Goexit(); return true })
			}()
			await(t, gone)
		},
		"a wait on the loop": func(t *testing.T, l *loop.Loop, c *Conn) {
			opErr(t, onLoop(t, l, func() error {
				return rawOf(c).Read(func(uintptr) bool { return false })
			}), "raw-read", loop.ErrWouldBlockLoop)
		},
	} {
		t.Run(name, func(t *testing.T) {
			l := startLoop(t)
			a, b := fakePair(t, l, "tcp4")
			one := func() (int, error) { return a.Read(make([]byte, 1)) }
			r := async(one)
			awaitParked(t, &a.s.r) // so that it takes the event
			mustWrite(t, b, "xy")
			await(t, r) // "y" is there, and causes no further event
			look(t, l, a)
			r = async(one)
			if got := await(t, r); got.n != 1 || got.err != nil {
				t.Errorf("Read = %d, %v", got.n, got.err)
			}
		})
	}
}
