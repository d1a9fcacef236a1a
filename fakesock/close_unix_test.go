//go:build (linux || darwin || freebsd || netbsd || openbsd || dragonfly) && !valetportable

package fakesock

import (
	"testing"

	"golang.org/x/sys/unix"
)

func TestCloseLeavesTheDescriptorToItsUsers(t *testing.T) {
	l := startLoop(t)
	for name, use := range map[string]func(*Conn, func(fd uintptr)) error{
		"Control": func(c *Conn, f func(uintptr)) error { return rawOf(c).Control(f) },
		"raw-read": func(c *Conn, f func(uintptr)) error {
			return rawOf(c).Read(func(fd uintptr) bool { f(fd); return true })
		},
		"raw-write": func(c *Conn, f func(uintptr)) error {
			return rawOf(c).Write(func(fd uintptr) bool { f(fd); return true })
		},
	} {
		c, _ := dialPair(t, l, "tcp4")
		var fd int
		if err := use(c, func(p uintptr) {
			fd = int(p)
			if err := c.Close(); err != nil {
				t.Error(err)
			}
			if !isOpen(fd) {
				t.Errorf("%s: Close closed the descriptor in use", name)
			}
		}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if isOpen(fd) {
			t.Errorf("%s: the last user did not close the descriptor", name)
		}
	}
}

func isOpen(fd int) bool {
	_, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
	return err == nil
}

// Registrations go by the descriptor's number: closed by a call on its way out
// before Close has removed the registration, the descriptor could be another
// connection's by then, and Close would cut that one off from the loop.
func TestADescriptorOutlivesItsRegistration(t *testing.T) {
	l := startLoop(t)
	c, _ := dialPair(t, l, "tcp4")
	s := c.s
	if !s.users.enter() { // a call is under way
		t.Fatal("the connection is closed")
	}
	if !s.users.close() { // Close begins
		t.Fatal("closed before")
	}
	s.leave() // the call is the last one to leave
	if !isOpen(int(s.fd)) {
		t.Error("the descriptor was closed while it was registered")
	}
	s.shutDown() // Close goes on
	if isOpen(int(s.fd)) {
		t.Error("the descriptor was not closed")
	}
}
