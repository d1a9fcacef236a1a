package main

import (
	"bytes"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestFlagsOfTheIssue(t *testing.T) {
	cfg, err := parseFlags(strings.Fields("-driver redis -path native,pool,adapter,sock,valet -conns 64 -inflight 64,1000 -pairs 5 "+
		"-addr 127.0.0.1:1 -json f -tls -procs 1,2 -cpuprofile d"), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	want := config{
		driver: "redis", paths: pathNames, conns: []int{64}, inflight: []int{64, 1000}, procs: []int{1, 2}, pairs: 5,
		duration: 2 * time.Second, warmup: 500 * time.Millisecond,
		addr: "127.0.0.1:1", json: "f", tls: true, profiles: "d",
	}
	if !reflect.DeepEqual(cfg, want) {
		t.Errorf("parsed as\n%+v, want\n%+v", cfg, want)
	}
}

// A mistake is told with what is allowed, and makes the exit code 2.
func TestWrongFlags(t *testing.T) {
	for args, want := range map[string]string{
		"-driver oracle":        "redis, mysql, mongo, echo",
		"-path native,fast":     "native, pool, adapter, sock, valet",
		"-path ,":               "native, pool, adapter, sock, valet",
		"-path valet,valet":     "valet is there twice",
		"-conns 0":              "numbers from 1 to",
		"-conns 64,x":           "numbers from 1 to",
		"-inflight -5":          "numbers from 1 to",
		"-inflight 99999999":    "numbers from 1 to",
		"-inflight 64,64":       "64 is there twice",
		"-pairs 0":              "at least 1",
		"-pairs many":           "-help",
		"-duration 0s":          "at least 1ms",
		"-warmup -1s":           "must not be negative",
		"-procs 0":              "numbers from 1 to",
		"-procs 999999":         "cores",
		"-tls-ca f":             "only with -tls",
		"-tls -tls-ca f":        "only with -addr",
		"-nonsense":             "-help",
		"-driver redis nothing": "unexpected argument",
	} {
		var stdout, stderr bytes.Buffer
		if code := dispatch(strings.Fields(args), &stdout, &stderr); code != 2 {
			t.Errorf("%s: exit code %d, want 2", args, code)
		}
		if !strings.Contains(stderr.String(), want) {
			t.Errorf("%s: stderr is %q, want it to contain %q", args, &stderr, want)
		}
		if stdout.Len() > 0 {
			t.Errorf("%s: stdout is %q", args, &stdout)
		}
	}
}

func TestHelpListsEveryFlagAndSucceeds(t *testing.T) {
	var stdout, stderr bytes.Buffer
	if code := dispatch([]string{"-help"}, &stdout, &stderr); code != 0 {
		t.Errorf("exit code %d", code)
	}
	for _, name := range []string{"-driver", "-path", "-conns", "-inflight", "-pairs", "-addr", "-json", "-tls", "-procs", "-cpuprofile"} {
		if !strings.Contains(stderr.String(), name) {
			t.Errorf("%s is not in the help", name)
		}
	}
}

func TestTooManyConnectionsForTheDescriptorLimit(t *testing.T) {
	cfg := config{conns: []int{64, 5000}}
	if err := checkDescriptors(cfg, 6000); err != nil {
		t.Errorf("limit 6000: %v", err)
	}
	if err := checkDescriptors(cfg, 0); err != nil {
		t.Errorf("limit not known: %v", err)
	}
	err := checkDescriptors(cfg, 1024)
	if err == nil || !strings.Contains(err.Error(), "-conns 5000") || !strings.Contains(err.Error(), "ulimit -Hn 5128") {
		t.Errorf("limit 1024: %v", err)
	}
}

func TestProcsAboveTheCoresAreLeftOut(t *testing.T) {
	var notes bytes.Buffer
	cells, err := cellsOf(config{conns: []int{1}, inflight: []int{5, 6}, procs: []int{1, 2, 4}}, 2, &notes)
	want := []cell{{1, 5, 1}, {1, 6, 1}, {1, 5, 2}, {1, 6, 2}}
	if err != nil || !reflect.DeepEqual(cells, want) {
		t.Errorf("cells %v, %v, want %v", cells, err, want)
	}
	if !strings.Contains(notes.String(), "-procs 4") {
		t.Errorf("notes: %q", &notes)
	}
	var usage *usageError
	if _, err := cellsOf(config{conns: []int{1}, inflight: []int{1}, procs: []int{4}}, 2, io.Discard); !errors.As(err, &usage) {
		t.Errorf("only too many: %v", err)
	}
}

func TestOrderRotates(t *testing.T) {
	paths := []string{"a", "b", "c"}
	for n, want := range []string{"a b c", "b c a", "c a b", "a b c"} {
		if got := strings.Join(order(paths, n), " "); got != want {
			t.Errorf("round %d: %s, want %s", n, got, want)
		}
	}
}
