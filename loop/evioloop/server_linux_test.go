package evioloop

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

func TestEcho(t *testing.T) {
	for _, network := range []string{"tcp", "unix"} {
		t.Run(network, func(t *testing.T) {
			addr := "tcp://127.0.0.1:0"
			if network == "unix" {
				addr = "unix://" + filepath.Join(t.TempDir(), "s")
			}
			a, _ := serve(t, &Server{Data: echo}, addr)
			payload := random(t, 1<<20)
			var wg sync.WaitGroup
			for range 8 {
				c := dial(t, a)
				wg.Go(func() {
					go func() { _, _ = c.Write(payload) }()
					got := make([]byte, len(payload))
					if _, err := io.ReadFull(c, got); err != nil {
						t.Error(err)
					} else if !bytes.Equal(got, payload) {
						t.Error("the echo differs")
					}
				})
			}
			wg.Wait()
		})
	}
}

func TestReadyToldRealAddresses(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	path := filepath.Join(t.TempDir(), "s")
	s := Server{Data: echo, Ready: func(addrs []net.Addr) {
		defer cancel()
		if len(addrs) != 3 || addrs[0].(*net.TCPAddr).Port == 0 || addrs[1].(*net.TCPAddr).Port == 0 || addrs[2].String() != path {
			t.Errorf("told %v", addrs)
		}
	}}
	if err := s.Serve(ctx, "tcp://127.0.0.1:0", "127.0.0.1:0", "unix://"+path); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket is still there: %v", err)
	}
}

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
	got := await(t, "the addresses", told)
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

func TestBadAddresses(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	live, err := net.Listen("unix", filepath.Join(dir, "live"))
	if err != nil {
		t.Fatal(err)
	}
	defer live.Close()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for _, addrs := range [][]string{
		{},
		{""},
		{"tcp://"},
		{"tcp://127.0.0.1"},
		{"tcp://127.0.0.1:"},
		{"tcp://127.0.0.1:nosuchport"},
		{"tcp://127.0.0.1:0?reuseport=1"},
		{"tcp-net://127.0.0.1:0"},
		{"udp://127.0.0.1:0"},
		{"tcp://127.0.0.1:0", "bogus://x"},
		{"unix://"},
		{"unix://" + dir},
		{"unix://" + file},
		{"unix://" + live.Addr().String()},
		{"unix://" + filepath.Join(dir, "nosuchdir", "s")},
		{"tcp://" + taken.Addr().String()},
		{"tcp://127.0.0.1:0", "tcp://" + taken.Addr().String()},
	} {
		s := Server{Data: echo}
		if err := s.Serve(context.Background(), addrs...); err == nil || !strings.HasPrefix(err.Error(), "evioloop: ") {
			t.Errorf("%q: %v", addrs, err)
		}
	}
	for _, path := range []string{dir, file, live.Addr().String()} {
		if _, err := os.Lstat(path); err != nil {
			t.Errorf("deleted: %v", err)
		}
	}
	s := Server{Data: echo}
	if err := s.Serve(context.Background(), "unix://"+live.Addr().String()); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("a live socket: %v", err)
	}
	if err := new(Server).Serve(context.Background(), "tcp://127.0.0.1:0"); err == nil {
		t.Error("no Data: no error")
	}
}

func TestStaleSocketIsReplaced(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	l.Close()
	a, _ := serve(t, &Server{Data: echo}, "unix://"+path)
	if got := ask(t, dial(t, a), "hello"); got != "hello" {
		t.Errorf("got %q", got)
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

// EVIO.md, 9: evio sets neither TCP_NODELAY nor close-on-exec.
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
		n, err := unix.GetsockoptInt(c.fd, unix.IPPROTO_TCP, unix.TCP_NODELAY)
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
	r := await(t, "Data", results)
	if r.noDelay != 1 {
		t.Error("TCP_NODELAY is not set")
	}
	if len(r.open) > 0 {
		t.Errorf("not close-on-exec: %q", r.open)
	}
}
