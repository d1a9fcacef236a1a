//go:build (linux || darwin || freebsd || netbsd || openbsd || dragonfly) && !valetportable

package fakesock

import (
	"testing"

	"golang.org/x/sys/unix"
)

// Registrations go by the descriptor's number: closed by a call on its way out
// before Close has removed the registration, the descriptor could be another
// connection's by then, and Close would cut that one off from the loop.
func TestADescriptorOutlivesItsRegistration(t *testing.T) {
	l := startLoop(t)
	open := func(fd int) bool {
		_, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
		return err == nil
	}
	c, _ := dialPair(t, l, "tcp4")
	s := c.s
	if !s.users.enter() { // a call is under way
		t.Fatal("the connection is closed")
	}
	if !s.users.close() { // Close begins
		t.Fatal("closed before")
	}
	s.leave() // the call is the last one to leave
	if !open(int(s.fd)) {
		t.Error("the descriptor was closed while it was registered")
	}
	s.shutDown() // Close goes on
	if open(int(s.fd)) {
		t.Error("the descriptor was not closed")
	}
}
