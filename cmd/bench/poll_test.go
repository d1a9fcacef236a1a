package main

import (
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
)

func TestPollEndToEnd(t *testing.T) {
	paths := []string{"native", "loop"}
	if runtime.GOOS == "linux" {
		paths = append(paths, "evio", "gnet")
	}
	doc := smallRun(t, "-driver", "poll", "-path", strings.Join(paths, ","), "-conns", "100", "-pairs", "1")
	if len(doc.Rows) != len(paths) {
		t.Fatalf("%d rows", len(doc.Rows))
	}
	for _, r := range doc.Rows {
		if r.Unit != "client" || r.Heap < 1 || r.P50 <= 0 || r.OpsPerSec <= 0 {
			t.Errorf("%s: %+v", r.Path, r.sample)
		}
	}
	for _, r := range doc.Ratios {
		if r.Base == "native" && (r.Memory <= 0 || r.Memory >= 1) {
			t.Errorf("%s: a client takes %.2f times what it does in net/http", r.Path, r.Memory)
		}
	}
}

// A message that is not the one that is due fails the run.
func TestAWrongMessageFailsTheRun(t *testing.T) {
	srv, err := pollLoop(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer srv.close()
	send := srv.broadcast
	srv.broadcast = func([]byte) { send([]byte(pollMessage(7))) }
	if _, err := startPollers(t.Context(), srv, 2); err == nil || !strings.Contains(err.Error(), "waits for message 0 got") {
		t.Errorf("error: %v", err)
	}
}

func TestAnAnswerThatIsNoMessageFailsTheRun(t *testing.T) {
	web := httptest.NewServer(http.NotFoundHandler())
	defer web.Close()
	p, err := startSelf(t.Context(), rolePollers, pollSetup{Addrs: []string{web.Listener.Addr().String()}, Clients: 1}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer p.stop()
	var n int
	if err := p.receive(t.Context(), &n); err == nil || !strings.Contains(err.Error(), "404") {
		t.Errorf("error: %v", err)
	}
}

func TestPollersThatFindNoServer(t *testing.T) {
	port, err := freePort()
	if err != nil {
		t.Fatal(err)
	}
	p, err := startSelf(t.Context(), rolePollers, pollSetup{Addrs: []string{net.JoinHostPort("127.0.0.1", port)}, Clients: 3}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer p.stop()
	var n int
	if err := p.receive(t.Context(), &n); err == nil || !strings.Contains(err.Error(), "refused") {
		t.Errorf("error: %v", err)
	}
}

func TestClientsFitTheDescriptorLimit(t *testing.T) {
	for limit, want := range map[uint64]int{0: 20_000, 100: 1, 20_000: 19_872, 20_128: 20_000, 1 << 20: 20_000} {
		got := mostClients(limit)
		if got != want {
			t.Errorf("limit %d: %d clients, want %d", limit, got, want)
		}
		cfg := config{driver: "poll", paths: []string{"loop"}, conns: []int{got}}
		if err := checkDescriptors(cfg, limit); err != nil && limit > spareDescriptors {
			t.Errorf("limit %d: %v", limit, err)
		}
	}
	cfg := config{driver: "poll", paths: []string{"loop", "evio"}, conns: []int{1000}}
	if err := checkDescriptors(cfg, 2000); err == nil || !strings.Contains(err.Error(), "2128 descriptors") {
		t.Errorf("evio with 1000 clients under a limit of 2000: %v", err)
	}
}
