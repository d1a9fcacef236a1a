//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package sysio

import (
	"testing"

	"golang.org/x/sys/unix"
)

// reserve returns size bytes of address space, which nobody can touch.
func reserve(t *testing.T, size int) []byte {
	t.Helper()
	p, err := unix.Mmap(-1, 0, size, unix.PROT_NONE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Munmap(p) })
	return p
}

func TestOneCallIsGivenAtMostMaxIO(t *testing.T) {
	region := reserve(t, MaxIO+2)
	for _, c := range []struct{ size, want int }{
		{0, 0}, {1, 1}, {Inline + 1, Inline + 1}, {MaxIO - 1, MaxIO - 1}, {MaxIO, MaxIO}, {MaxIO + 1, MaxIO}, {MaxIO + 2, MaxIO},
	} {
		got := clamp(region[:c.size])
		if len(got) != c.want || c.size > 0 && &got[0] != &region[0] {
			t.Errorf("of %d bytes one call is given %d, want the first %d", c.size, len(got), c.want)
		}
	}
	if got := clamp(nil); len(got) != 0 {
		t.Errorf("of nothing %d", len(got))
	}
}

// Neither waits on a descriptor that blocks, and errors are bare.
func TestTransfersDoNotWait(t *testing.T) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fds[0])
	for _, size := range []int{1, Inline, Inline + 1} { // raw calls, and accounted ones
		buf := make([]byte, size)
		if n, err := Recv(fds[0], buf); n != 0 || err != unix.EAGAIN {
			t.Errorf("Recv of %d bytes from an empty socket = %d, %v", size, n, err)
		}
		if n, err := Send(fds[1], buf); n != size || err != nil {
			t.Errorf("Send of %d bytes = %d, %v", size, n, err)
		}
		if n, err := Recv(fds[0], buf); n != size || err != nil {
			t.Errorf("Recv of %d bytes = %d, %v", size, n, err)
		}
	}
	for sent := 0; ; {
		n, err := Send(fds[0], make([]byte, Inline))
		sent += n
		if err == unix.EAGAIN {
			break
		}
		if err != nil || sent > 1<<30 {
			t.Fatalf("Send to a full socket = %d, %v", n, err)
		}
	}
	unix.Close(fds[1])
	if n, err := Send(fds[0], []byte("x")); n != 0 || err != unix.EPIPE { // and no signal
		t.Errorf("Send to nobody = %d, %v", n, err)
	}
}
