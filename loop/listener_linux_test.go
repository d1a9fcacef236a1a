package loop

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// A server that has no descriptor left pauses, and goes on when it has some
// again. It runs in a child process, whose limit is lowered.
func TestAcceptSurvivesALackOfDescriptors(t *testing.T) {
	if os.Getenv("LOOP_TEST_CHILD") != "" {
		childWithoutDescriptors(t)
		return
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestAcceptSurvivesALackOfDescriptors$", "-test.v")
	cmd.Env = append(os.Environ(), "LOOP_TEST_CHILD=1")
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "child: recovered") {
		t.Fatalf("%v\n%s", err, out)
	}
}

func childWithoutDescriptors(t *testing.T) {
	l := start(t)
	accepted := 0
	ln := listen(t, l, "tcp4", func(s *Stream) {
		accepted++
		s.ReadSome(func(p []byte, err error) { s.Write(p, func(error) { s.Close() }) })
	})
	warm := connect(t, ln) // whatever package net opens once
	sendTo(t, warm, "x")
	expect(t, warm, "x")
	eventually(t, l, "quiet", func() bool { return ln.Stats().Open == 0 })
	// The client's descriptor is there before the limit is.
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	client := os.NewFile(uintptr(fd), "client")
	defer client.Close()
	var old unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &old); err != nil {
		t.Fatal(err)
	}
	// Every number below the limit is taken: the next one asked for fails.
	var hold []*os.File
	low := old
	low.Cur = 100
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &low); err != nil {
		t.Fatal(err)
	}
	for {
		f, err := os.Open("/dev/null")
		if err != nil {
			break
		}
		hold = append(hold, f)
	}
	a := ln.Addr().(*net.TCPAddr)
	if err := unix.Connect(fd, &unix.SockaddrInet4{Port: a.Port, Addr: [4]byte(a.IP.To4())}); err != nil {
		t.Fatal(err)
	}
	eventually(t, l, "an error", func() bool { return ln.Stats().Errors >= 3 })
	if s := ln.Stats(); s.Accepted != 1 {
		t.Errorf("%+v", s)
	}
	for _, f := range hold {
		f.Close()
	}
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &old); err != nil {
		t.Fatal(err)
	}
	if _, err := unix.Write(fd, []byte("y")); err != nil {
		t.Fatal(err)
	}
	var b [1]byte
	if n, err := unix.Read(fd, b[:]); n != 1 || err != nil || b[0] != 'y' {
		t.Fatalf("read %d, %v", n, err)
	}
	on(t, l, func() {
		if s := ln.Stats(); s.Accepted != 2 || s.Paused {
			t.Errorf("%+v", s)
		}
	})
	fmt.Println("child: recovered")
}
