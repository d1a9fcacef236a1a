package frontendtest

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/valet-go/valet/internal/leaktest"
)

func readyIsToldAddresses(t *testing.T, h Host) {
	path := filepath.Join(t.TempDir(), "s")
	ready, told := make(chan []net.Addr, 1), make(chan []net.Addr, 1)
	s := &Server{Data: echo, Logger: slog.New(slog.DiscardHandler), Ready: func(addrs []net.Addr) {
		ready <- addrs
		told <- addrs
	}}
	_, stop := Start(t, h.New(s).Serve, ready, "tcp://127.0.0.1:0", "127.0.0.1:0", "unix://"+path)
	addrs := Await(t, "Ready", told)
	if len(addrs) != 3 || addrs[2].String() != path {
		t.Fatalf("told %v", addrs)
	}
	if a, b := addrs[0].(*net.TCPAddr).Port, addrs[1].(*net.TCPAddr).Port; a == 0 || b == 0 || a == b {
		t.Errorf("told %v", addrs)
	}
	for _, a := range addrs {
		if got := dial(t, a).ask(t, "hello"); got != "hello" {
			t.Errorf("%v: got %q", a, got)
		}
	}
	stop()
	if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket is still there: %v", err)
	}
}

// An address that is no good leaves nothing of those before it, and no file is
// deleted for it.
func badAddresses(t *testing.T, h Host) {
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
	serve := func(addrs ...string) error {
		return h.New(&Server{Data: echo, Logger: slog.New(slog.DiscardHandler)}).Serve(context.Background(), addrs...)
	}
	before := leaktest.Descriptors()
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
		{"unix://" + filepath.Join(dir, "nosuchdir", "s")},
		{"tcp://127.0.0.1:0", "tcp://" + taken.Addr().String()},
		{"tcp://127.0.0.1:0", "unix://" + filepath.Join(dir, "nosuchdir", "s")},
	} {
		if err := serve(addrs...); err == nil || !strings.HasPrefix(err.Error(), h.Name+": ") {
			t.Errorf("%q: %v", addrs, err)
		}
	}
	for _, a := range []net.Addr{taken.Addr(), live.Addr()} {
		if err := serve(a.Network() + "://" + a.String()); !errors.Is(err, syscall.EADDRINUSE) {
			t.Errorf("somebody listens at %v: %v", a, err)
		}
	}
	for _, path := range []string{dir, file, live.Addr().String()} {
		if _, err := os.Lstat(path); err != nil {
			t.Errorf("deleted: %v", err)
		}
	}
	for fd, target := range leaktest.Descriptors() {
		if _, was := before[fd]; !was && strings.HasPrefix(target, "socket:") {
			t.Errorf("left behind: %s %s", fd, target)
		}
	}
}

func staleSocketIsReplaced(t *testing.T, h Host) {
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	l.Close()
	a, _ := serve(t, h, &Server{Data: echo}, "unix://"+path)
	if got := dial(t, a).ask(t, "hello"); got != "hello" {
		t.Errorf("got %q", got)
	}
}

func withoutData(t *testing.T, h Host) {
	if err := h.New(&Server{}).Serve(context.Background(), "tcp://127.0.0.1:0"); err == nil {
		t.Error("no error")
	}
}
