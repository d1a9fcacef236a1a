package evioloop

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/valet-go/valet/internal/frontendtest"
)

func TestAddressesOfAConnection(t *testing.T) {
	told := make(chan [2]string, 1)
	a, _ := serve(t, &Server{Data: func(c *Conn, _ []byte) {
		told <- [2]string{c.LocalAddr().String(), c.RemoteAddr().String()}
	}}, "tcp://:0")
	c, err := net.Dial("tcp4", net.JoinHostPort("127.0.0.1", portOf(a)))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	send1(t, c, "x")
	got := frontendtest.Await(t, "the addresses", told)
	if !strings.HasSuffix(got[0], "127.0.0.1:"+portOf(a)) {
		t.Errorf("local address %s", got[0])
	}
	if want := c.LocalAddr().String(); got[1] != want && !strings.HasSuffix(got[1], want) {
		t.Errorf("remote address %s, want %s", got[1], want)
	}
}

func portOf(a net.Addr) string {
	_, port, _ := net.SplitHostPort(a.String())
	return port
}

func TestNegativeLoops(t *testing.T) {
	if err := (&Server{Data: echo, Loops: -1}).Serve(context.Background(), "tcp://127.0.0.1:0"); err == nil {
		t.Error("no error")
	}
}

// The wake socket is out of others' reach, and gone at the end.
func TestPrivateDirectory(t *testing.T) {
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	_, stop := serve(t, &Server{Data: echo})
	entries, err := os.ReadDir(tmp)
	if err != nil || len(entries) != 1 {
		t.Fatalf("%v, %v", entries, err)
	}
	if info, err := entries[0].Info(); err != nil || info.Mode() != os.ModeDir|0o700 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	stop()
	if entries, err := os.ReadDir(tmp); err != nil || len(entries) != 0 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}

func TestLongTempDirectory(t *testing.T) {
	tmp := filepath.Join(t.TempDir(), strings.Repeat("x", 100))
	if err := os.Mkdir(tmp, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TMPDIR", tmp)
	a, _ := serve(t, &Server{Data: echo})
	if got := ask(t, dial(t, a), "hello"); got != "hello" {
		t.Errorf("got %q", got)
	}
}

// evio 9: evio sets neither TCP_NODELAY nor close-on-exec.
func TestDescriptorFlags(t *testing.T) {
	inherited := map[string]bool{}
	for _, fd := range descriptors(t) {
		inherited[fd] = true
	}
	type result struct {
		noDelay int
		open    []string
	}
	results := make(chan result, 1)
	a, _ := serve(t, &Server{Data: func(c *Conn, _ []byte) {
		own, _ := c.conn().Descriptors()
		n, err := unix.GetsockoptInt(own, unix.IPPROTO_TCP, unix.TCP_NODELAY)
		if err != nil {
			t.Error(err)
		}
		r := result{noDelay: n}
		for _, fd := range descriptors(t) {
			if n := atoi(fd); !inherited[fd] {
				if flags, err := unix.FcntlInt(uintptr(n), unix.F_GETFD, 0); err == nil && flags&unix.FD_CLOEXEC == 0 {
					target, _ := os.Readlink("/proc/self/fd/" + fd)
					r.open = append(r.open, fd+" "+target)
				}
			}
		}
		results <- r
	}})
	send1(t, dial(t, a), "x")
	r := frontendtest.Await(t, "Data", results)
	if r.noDelay != 1 {
		t.Error("TCP_NODELAY is not set")
	}
	if len(r.open) > 0 {
		t.Errorf("not close-on-exec: %q", r.open)
	}
}
