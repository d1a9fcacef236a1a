//go:build (linux || darwin || freebsd || netbsd || openbsd || dragonfly) && !valetportable

package fakesock

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/valet-go/valet/internal/sysio"
)

const exhaustionChild = "FAKESOCK_TEST_EXHAUSTION"

// TestDescriptorExhaustion runs itself in a process of its own, which may use
// up its descriptors without harm to other tests.
func TestDescriptorExhaustion(t *testing.T) {
	if os.Getenv(exhaustionChild) != "" {
		exhaust(t)
		return
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe, "-test.run=^TestDescriptorExhaustion$", "-test.v", "-test.timeout=50s")
	cmd.Env = append(os.Environ(), exhaustionChild+"=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Logf("%s", out)
}

func exhaust(t *testing.T) {
	l := startLoop(t)
	ln := listenFake(t, l, "tcp4")
	d := &Dialer{Loop: l}
	// A connection that stands must not notice.
	a := asyncAccept(t, ln)
	old, err := d.Dial("tcp4", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer old.Close()
	oldPeer := await(t, a).c

	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 64, Max: 64}); err != nil {
		t.Fatal(err)
	}
	// The client's descriptor is made while there are some.
	pending, err := net.Dial("tcp4", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer pending.Close()
	var spare []*os.File
	for {
		f, err := os.Open(os.DevNull)
		if err != nil {
			break
		}
		spare = append(spare, f)
	}
	free := func(n int) {
		for range n {
			spare[len(spare)-1].Close()
			spare = spare[:len(spare)-1]
		}
	}
	defer func() { free(len(spare)) }()
	for range 2 { // and again: it does not hang after the first failure
		_, err := ln.Accept()
		opErr(t, err, "accept", unix.EMFILE)
		var se *os.SyscallError
		if !errors.As(err, &se) || se.Syscall != sysio.AcceptCall {
			t.Errorf("%#v has no *os.SyscallError of %s", err, sysio.AcceptCall)
		}
		if ne, ok := err.(interface{ Temporary() bool }); !ok || !ne.Temporary() {
			t.Error("servers would not try again") // net/http looks at it
		}
		if _, err := d.Dial("tcp4", ln.Addr().String()); !errors.Is(err, unix.EMFILE) {
			t.Errorf("Dial = %v, want EMFILE", err)
		}
		if _, err := Listen(l, "tcp4", "127.0.0.1:0"); !errors.Is(err, unix.EMFILE) {
			t.Errorf("Listen = %v, want EMFILE", err)
		}
		if _, err := old.(*Conn).File(); !errors.Is(err, unix.EMFILE) {
			t.Errorf("File = %v, want EMFILE", err)
		}
	}
	mustWrite(t, old, "still here")
	mustRead(t, oldPeer, "still here")

	// One is enough to connect, but the duplicate needs another.
	free(1)
	if _, err := d.Dial("tcp4", ln.Addr().String()); !errors.Is(err, unix.EMFILE) {
		t.Errorf("Dial with one descriptor left = %v, want EMFILE", err)
	}
	got, err := ln.Accept()
	if err != nil {
		t.Fatalf("Accept with a descriptor to spare: %v", err)
	}
	defer got.Close()
	free(4)
	for range 2 { // what was half-open is accepted, too, or skipped
		c, err := d.Dial("tcp4", ln.Addr().String())
		if err != nil {
			t.Fatalf("Dial with descriptors to spare: %v", err)
		}
		c.Close()
	}
}
