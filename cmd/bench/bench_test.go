package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/valet-go/valet/loop"
)

// smallRun runs a benchmark as the command line does, with processes of the
// test's own binary, and returns the JSON file's content.
func smallRun(t *testing.T, args ...string) document {
	t.Helper()
	file := filepath.Join(t.TempDir(), "out.json")
	args = append([]string{"-pairs", "2", "-json", file}, args...)
	var stdout, stderr bytes.Buffer
	if code := dispatch(args, &stdout, &stderr); code != 0 {
		t.Fatalf("exit code %d\n%s\n%s", code, &stdout, &stderr)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var doc document
	if err := json.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	for _, r := range doc.Rows {
		if r.OpsPerSec <= 0 && r.Heap <= 0 && r.Resident <= 0 {
			t.Errorf("%s: nothing was measured: %+v", r.Path, r.sample)
		}
		if !strings.Contains(stdout.String(), r.Path) {
			t.Errorf("%s is not in the table:\n%s", r.Path, &stdout)
		}
	}
	return doc
}

// smallLoad is smallRun for a driver that takes a duration.
func smallLoad(t *testing.T, args ...string) document {
	t.Helper()
	return smallRun(t, append([]string{"-duration", "250ms", "-warmup", "20ms"}, args...)...)
}

func TestEchoEndToEnd(t *testing.T) {
	doc := smallLoad(t, "-driver", "echo", "-path", "native,sock,valet", "-conns", "4", "-inflight", "4,9")
	if len(doc.Rows) != 2*3 || len(doc.Ratios) != 2*3*2 {
		t.Errorf("%d rows and %d ratios, want 6 and 12", len(doc.Rows), len(doc.Ratios))
	}
}

// The paths that need no driver: callbacks on streams, and bare system calls.
func TestEchoWithoutADriver(t *testing.T) {
	paths := "native,stream"
	if runtime.GOOS == "linux" {
		paths += ",floor"
	}
	smallLoad(t, "-driver", "echo", "-path", paths, "-conns", "4", "-inflight", "3")
	for _, path := range []string{"stream", "floor"} { // more operations than connections
		var stdout, stderr bytes.Buffer
		if code := dispatch([]string{"-driver", "echo", "-path", path, "-conns", "1", "-inflight", "2"}, &stdout, &stderr); code == 0 {
			t.Errorf("%s took 2 operations for 1 connection:\n%s", path, &stdout)
		}
	}
}

func TestEveryPathOverTLSWithProcs(t *testing.T) {
	doc := smallLoad(t, "-driver", "echo", "-path", "native,pool,adapter,sock,valet", "-conns", "2", "-inflight", "4", "-tls", "-procs", "1", "-pairs", "1")
	if len(doc.Rows) != 5 || doc.Rows[0].Procs != 1 {
		t.Errorf("rows: %+v", doc.Rows)
	}
}

func TestCPUProfiles(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "profiles")
	smallLoad(t, "-driver", "echo", "-path", "native", "-conns", "2", "-inflight", "2", "-pairs", "1", "-cpuprofile", dir)
	info, err := os.Stat(filepath.Join(dir, "echo-native-conns2-inflight2-pair1.pprof"))
	if err != nil || info.Size() == 0 {
		t.Errorf("profile: %v, %v", info, err)
	}
}

func TestRunFailsWhenNoServerIsThere(t *testing.T) {
	port, err := freePort()
	if err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	code := dispatch([]string{"-driver", "echo", "-path", "native", "-addr", "127.0.0.1:" + port}, &stdout, &stderr)
	if code != 1 || !strings.Contains(stderr.String(), "refused") {
		t.Errorf("exit code %d, stderr %q", code, &stderr)
	}
}

// A wrong reply must fail the run, whatever the path.
func TestWrongReplyFailsTheRun(t *testing.T) {
	for _, name := range pathNames {
		t.Run(name, func(t *testing.T) {
			m := newMeter(3, value)
			s := &session{read: func(_ context.Context, key int) (string, error) { return value(key + 1), nil }}
			l := startLoop(t)
			stop, err := paths[name].start(t.Context(), l, s, m, spec{Driver: "echo", Conns: 3, Inflight: 3})
			if err != nil {
				t.Fatal(err)
			}
			_, err = m.measure(t.Context(), 0, lasting(time.Millisecond), func() (func(), error) { return profileCPU("") })
			stop()
			if err == nil || !strings.Contains(err.Error(), "instead of") {
				t.Errorf("error: %v", err)
			}
		})
	}
}

func TestCancelledContextStopsTheChild(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	p, err := startSelf(ctx, roleEcho, ownSetup{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	var addr string
	if err := p.receive(ctx, &addr); err != nil {
		t.Fatal(err)
	}
	cancel()
	p.stop()
	if p.cmd.ProcessState == nil {
		t.Error("the child was not waited for")
	}
}

func TestChildErrorReachesTheParent(t *testing.T) {
	_, err := measureChild(t.Context(), spec{Driver: "echo", Path: "native", Target: target{Addr: "127.0.0.1:0"}, Conns: 1, Inflight: 1})
	if err == nil || !strings.Contains(err.Error(), "echo over native") {
		t.Errorf("error: %v", err)
	}
}

// startLoop starts a loop that ends with the test.
func startLoop(t *testing.T) *loop.Loop {
	l, err := loop.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}
