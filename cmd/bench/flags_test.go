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
		addr: "127.0.0.1:1", json: "f", tls: true, contexts: "endless", profiles: "d",
	}
	if !reflect.DeepEqual(cfg, want) {
		t.Errorf("parsed as\n%+v, want\n%+v", cfg, want)
	}
}

// A mistake is told with what is allowed, and makes the exit code 2.
func TestWrongFlags(t *testing.T) {
	for args, want := range map[string]string{
		"-driver oracle":            "redis, mysql, mongo, echo, open, bulk-in, bulk-out, memory, post, queued, lag, rows, docs",
		"-path native,fast":         "native, pool, adapter, sock, valet",
		"-path ,":                   "native, pool, adapter, sock, valet",
		"-path valet,valet":         "valet is there twice",
		"-path valet@":              "GOMAXPROCS",
		"-path valet@0":             "GOMAXPROCS",
		"-path valet@99999":         "cores",
		"-driver post -path post@1": "cannot set GOMAXPROCS for one path",
		"-context forever":          "endless or request",
		"-conns 0":                  "numbers from 1 to",
		"-conns 64,x":               "numbers from 1 to",
		"-inflight -5":              "numbers from 1 to",
		"-inflight 99999999":        "numbers from 1 to",
		"-inflight 64,64":           "64 is there twice",
		"-pairs 0":                  "at least 1",
		"-pairs many":               "-help",
		"-duration 0s":              "at least 1ms",
		"-warmup -1s":               "must not be negative",
		"-procs 0":                  "numbers from 1 to",
		"-procs 999999":             "cores",
		"-tls-ca f":                 "only with -tls",
		"-tls -tls-ca f":            "only with -addr",
		"-nonsense":                 "-help",
		"-driver redis nothing":     "unexpected argument",

		"-driver open -path valet":                        "a list of native, sock",
		"-driver open -conns 64,1000 -inflight 65":        "at most the 64 of -conns",
		"-driver bulk-in -path pool":                      "a list of native, sock",
		"-driver bulk-in -conns 2":                        "-conns means nothing to -driver bulk-in",
		"-driver bulk-out -addr x:1":                      "-addr means nothing to -driver bulk-out",
		"-driver bulk-out -bytes 1.5GiB":                  "such as 4096",
		"-driver bulk-out -bytes 0":                       "a size from 1 to 1024 GiB",
		"-driver bulk-out -buffer 2GiB":                   "a size from 1 to 1 GiB",
		"-driver memory -inflight 4":                      "this driver takes -driver, -path",
		"-driver post -path native":                       "a list of channel, post",
		"-driver post -producers 0":                       "numbers from 1 to",
		"-driver post -producers 1,64 -backlog 8":         "the 64 of -producers",
		"-driver post -producers 64 -funcs 63":            "the 64 of -producers",
		"-driver queued -path valet":                      "a list of native, adapter",
		"-driver queued -funcs 5":                         "-funcs means nothing to -driver queued",
		"-driver lag -path native":                        "a list of control, valet",
		"-driver lag -rows 0":                             "-rows 0: must be from 1 to",
		"-driver lag -duration 5s":                        "-duration means nothing to -driver lag",
		"-driver docs -path pool":                         "a list of native, sock, valet, typed",
		"-driver docs -rows 0":                            "-rows 0: must be from 1 to",
		"-driver docs -addr x:1":                          "-addr means nothing to -driver docs",
		"-driver poll -path sock":                         "a list of native, loop, evio, gnet",
		"-driver state -path native":                      "a list of thread, nethttp, goroutine, stream, evioloop, httploop",
		"-driver poll -inflight 4":                        "-inflight means nothing to -driver poll",
		"-driver front -path gnet":                        "a list of evio, valet",
		"-driver http -path native":                       "a list of nethttp, gnet, valet, evioloop",
		"-driver http -tls":                               "-tls means nothing to -driver http",
		"-bytes 5":                                        "-bytes means nothing to -driver redis",
		"-driver echo -funcs 5 -conns 64 -inflight 1,000": "-funcs means nothing to -driver echo",
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

// Each driver has defaults of its own, and what it does not use stays zero.
func TestDefaults(t *testing.T) {
	common := config{pairs: 5, duration: 2 * time.Second, warmup: 500 * time.Millisecond}
	for driver, set := range map[string]func(*config){
		"redis": func(c *config) {
			c.paths, c.conns, c.inflight = []string{"native", "valet"}, []int{64}, []int{64}
			c.contexts = "endless"
		},
		"open": func(c *config) {
			c.paths, c.conns, c.inflight = []string{"native", "sock"}, []int{100, 10000}, []int{100}
		},
		"bulk-in": func(c *config) { c.paths, c.bytes, c.buffer = []string{"native", "sock"}, 1<<30, 128<<10 },
		"memory":  func(c *config) { c.paths, c.conns = []string{"native", "sock"}, []int{5000} },
		"post": func(c *config) {
			c.paths, c.producers, c.backlog, c.funcs = []string{"channel", "post"}, []int{1, 64}, 1024, 5_000_000
		},
		"queued": func(c *config) {
			c.paths, c.conns, c.inflight = []string{"native", "adapter"}, []int{64}, []int{1_000_000}
		},
		"rows": func(c *config) { c.paths, c.rows = []string{"native", "valet"}, 1_000_000 },
		"docs": func(c *config) { c.paths, c.rows = []string{"native", "valet", "typed"}, 1_000_000 },
		"poll": func(c *config) {
			c.paths, c.conns = []string{"native", "loop", "gnet"}, []int{mostClients(descriptorLimit())}
		},
		"front": func(c *config) { c.paths, c.conns, c.inflight = []string{"evio", "valet"}, []int{16}, []int{256} },
		"http": func(c *config) {
			c.paths, c.conns, c.inflight = []string{"nethttp", "gnet", "valet"}, []int{16}, []int{256}
		},
		"state": func(c *config) {
			c.paths, c.conns = []string{"thread", "nethttp", "goroutine", "stream", "evioloop", "httploop"}, []int{5000}
		},
		"lag": func(c *config) {
			c.paths, c.conns, c.inflight, c.rows = []string{"control", "valet"}, []int{64}, []int{1000}, 1_000_000
		},
	} {
		want := common
		want.driver = driver
		set(&want)
		got, err := parseFlags([]string{"-driver", driver}, io.Discard)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v, parsed as\n%+v, want\n%+v", driver, err, got, want)
		}
	}
}

func TestSizes(t *testing.T) {
	for text, want := range map[string]int64{"1": 1, "4096": 4096, "128KiB": 128 << 10, "256MiB": 256 << 20, "1GiB": 1 << 30, "1024GiB": 1 << 40} {
		if got, err := parseSize("bytes", text, maxBytes); got != want || err != nil {
			t.Errorf("%s: %d, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "-1", "0KiB", "1025GiB", "KiB", "1kb", "9223372036854775807KiB", "1 MiB"} {
		var usage *usageError
		if got, err := parseSize("bytes", text, maxBytes); !errors.As(err, &usage) {
			t.Errorf("%q: %d, %v", text, got, err)
		}
	}
	for want, n := range map[string]int64{"1 bytes": 1, "1025 bytes": 1025, "128 KiB": 128 << 10, "3 MiB": 3 << 20, "1024 GiB": 1 << 40} {
		if got := sizeText(n); got != want {
			t.Errorf("%d is %s, want %s", n, got, want)
		}
	}
}

// A pair of numbers of connections is a cell with two sides for each path.
func TestOpenConnectionsAreSides(t *testing.T) {
	cfg := config{driver: "open", paths: []string{"native", "sock"}, conns: []int{5, 50}, inflight: []int{5}}
	cells, err := cellsOf(cfg, 2, io.Discard)
	if err != nil || len(cells) != 1 || cells[0].conns != 0 {
		t.Fatalf("cells %v, %v", cells, err)
	}
	var names []string
	for _, s := range sidesOf(cfg, cells[0]) {
		names = append(names, s.String())
	}
	if want := []string{"native 5 open", "native 50 open", "sock 5 open", "sock 50 open"}; !reflect.DeepEqual(names, want) {
		t.Errorf("sides %q, want %q", names, want)
	}
}

func TestHelpListsEveryFlagAndSucceeds(t *testing.T) {
	var stdout, stderr bytes.Buffer
	if code := dispatch([]string{"-help"}, &stdout, &stderr); code != 0 {
		t.Errorf("exit code %d", code)
	}
	for _, name := range []string{"-driver", "-path", "-conns", "-inflight", "-pairs", "-addr", "-json", "-chart", "-tls", "-procs", "-cpuprofile", "-context", "-bytes", "-buffer", "-producers", "-backlog", "-funcs", "-rows"} {
		if !strings.Contains(stderr.String(), name) {
			t.Errorf("%s is not in the help", name)
		}
	}
}

func TestChartNeedsNoFile(t *testing.T) {
	for args, want := range map[string]struct{ driver, file string }{
		"":                               {"redis", ""},
		"-chart":                         {"state", "ways-to-store-state.svg"},
		"-chart -pairs 2":                {"state", "ways-to-store-state.svg"},
		"--chart a/b.svg -pairs 2":       {"state", "a/b.svg"},
		"-chart=a/b.svg":                 {"state", "a/b.svg"},
		"-driver front -chart":           {"front", "front.svg"},
		"-chart a/b.svg -driver front":   {"front", "a/b.svg"},
		"-pairs 2 -driver redis -chart=": {"redis", "redis.svg"},
	} {
		cfg, err := parseFlags(strings.Fields(args), io.Discard)
		if err != nil || cfg.driver != want.driver || cfg.chart != want.file {
			t.Errorf("%q: driver %s, chart %q, %v; want %v", args, cfg.driver, cfg.chart, err, want)
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
	want := []cell{
		{conns: 1, inflight: 5, procs: 1},
		{conns: 1, inflight: 6, procs: 1},
		{conns: 1, inflight: 5, procs: 2},
		{conns: 1, inflight: 6, procs: 2},
	}
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

func TestPathWithItsOwnGOMAXPROCS(t *testing.T) {
	for path, want := range map[string]int{"valet": 2, "valet@1": 1} {
		if sp := specOf(config{}, target{}, cell{procs: 2}, side{path: path}); sp.Path != "valet" || sp.GoMaxProcs != want {
			t.Errorf("%s: path %s with %d; want %d", path, sp.Path, sp.GoMaxProcs, want)
		}
	}
}
