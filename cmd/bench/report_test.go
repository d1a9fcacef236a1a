package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

var twoPaths = []result{{
	cell: cell{conns: 4, inflight: 8},
	rounds: []round{{
		"native": {OpsPerSec: 1000, CPU: 10, P50: 1.5, P99: 2.5, Allocs: 7, PeakRSS: 4096},
		"valet":  {OpsPerSec: 1500, CPU: 5, P50: 1, P99: 2, Allocs: 9, PeakRSS: 8192},
	}},
}}

const goldenJSON = `{
  "rows": [
    {
      "driver": "redis",
      "path": "native",
      "conns": 4,
      "inflight": 8,
      "unit": "op",
      "ops_s": 1000,
      "cpu_us_op": 10,
      "p50_us": 1.5,
      "p99_us": 2.5,
      "allocs_op": 7,
      "peak_rss_bytes": 4096
    },
    {
      "driver": "redis",
      "path": "valet",
      "conns": 4,
      "inflight": 8,
      "unit": "op",
      "ops_s": 1500,
      "cpu_us_op": 5,
      "p50_us": 1,
      "p99_us": 2,
      "allocs_op": 9,
      "peak_rss_bytes": 8192
    }
  ],
  "ratios": [
    {
      "driver": "redis",
      "path": "native",
      "base": "valet",
      "conns": 4,
      "inflight": 8,
      "throughput": 0.6666666666666666,
      "throughput_min": 0.6666666666666666,
      "throughput_max": 0.6666666666666666,
      "cpu": 2,
      "cpu_min": 2,
      "cpu_max": 2
    },
    {
      "driver": "redis",
      "path": "valet",
      "base": "native",
      "conns": 4,
      "inflight": 8,
      "throughput": 1.5,
      "throughput_min": 1.5,
      "throughput_max": 1.5,
      "cpu": 0.5,
      "cpu_min": 0.5,
      "cpu_max": 0.5
    }
  ]
}
`

func TestJSON(t *testing.T) {
	cfg := config{driver: "redis", paths: []string{"native", "valet"}, json: filepath.Join(t.TempDir(), "out.json")}
	if err := publish(cfg, twoPaths, new(bytes.Buffer)); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(cfg.json)
	if err != nil {
		t.Fatal(err)
	}
	if string(text) != goldenJSON {
		t.Errorf("wrote\n%s, want\n%s", text, goldenJSON)
	}
	var back document
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	if want := newDocument(cfg, twoPaths); !reflect.DeepEqual(back, want) {
		t.Errorf("read back as\n%+v, want\n%+v", back, want)
	}
}

func TestJSONNamesGOMAXPROCSOnlyWithProcs(t *testing.T) {
	cfg := config{driver: "redis", paths: []string{"native", "valet"}}
	results := []result{twoPaths[0]}
	results[0].procs = 2
	text, err := json.Marshal(newDocument(cfg, results))
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(text), `"procs":2`); n != 4 {
		t.Errorf("%d of 4 rows and ratios name it: %s", n, text)
	}
}

func TestTable(t *testing.T) {
	var out bytes.Buffer
	cfg := config{driver: "redis", paths: []string{"native", "valet"}, tls: true}
	if err := publish(cfg, twoPaths, &out); err != nil {
		t.Fatal(err)
	}
	want := `
redis over TLS, 8 in flight, 4 connections (-pairs 1, medians)

    path  ops/s  CPU µs/op  p50 µs  p99 µs  allocs/op  peak RSS MiB
  native   1000      10.00       2       2        7.0           0.0
   valet   1500       5.00       1       2        9.0           0.0

ops/s relative to
          native  valet
  native       –   0.67
   valet    1.50      –

CPU/op relative to
          native  valet
  native       –   2.00
   valet    0.50      –
`
	if out.String() != want {
		t.Errorf("printed\n%s\nwant\n%s", &out, want)
	}
}

func TestTableWithoutCPUTime(t *testing.T) {
	var out bytes.Buffer
	results := []result{{cell{procs: 3}, []round{{"native": {OpsPerSec: 10, CPU: -1}}}}}
	if err := publish(config{driver: "echo", paths: []string{"native"}}, results, &out); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "GOMAXPROCS 3") || !strings.Contains(out.String(), "–") || strings.Contains(out.String(), "relative") {
		t.Errorf("printed\n%s", &out)
	}
}

// Sides that differ in the number of open connections are named by it, and
// ratios over more than one round show their extremes.
func TestTableOfOpenConnections(t *testing.T) {
	var out bytes.Buffer
	cfg := config{driver: "open", paths: []string{"sock"}, conns: []int{10, 20}}
	results := []result{{cell{inflight: 5}, []round{
		{"sock 10 open": {OpsPerSec: 100, CPU: 4}, "sock 20 open": {OpsPerSec: 100, CPU: 5}},
		{"sock 10 open": {OpsPerSec: 100, CPU: 4}, "sock 20 open": {OpsPerSec: 50, CPU: 6}},
	}}}
	if err := publish(cfg, results, &out); err != nil {
		t.Fatal(err)
	}
	want := `
open, 5 connections active (-pairs 2, medians)

          path  ops/s  CPU µs/op  p50 µs  p99 µs  allocs/op  peak RSS MiB
  sock 10 open    100       4.00       0       0        0.0             –
  sock 20 open     75       5.50       0       0        0.0             –

ops/s relative to
                    sock 10 open      sock 20 open
  sock 10 open                 –  1.50 (1.00–2.00)
  sock 20 open  0.75 (0.50–1.00)                 –

CPU/op relative to
                    sock 10 open      sock 20 open
  sock 10 open                 –  0.73 (0.67–0.80)
  sock 20 open  1.38 (1.25–1.50)                 –
`
	if out.String() != want {
		t.Errorf("printed\n%s\nwant\n%s", &out, want)
	}
}

// A measure's table has its own figures and units.
func TestTablesOfOtherMeasures(t *testing.T) {
	for driver, want := range map[string][]string{
		"bulk-in": {"3 MiB on one connection, buffers of 4 KiB", "MiB/s", "CPU µs/MiB", "7.0", "CPU/MiB relative to"},
		"memory":  {"9 idle connections", "heap+stack+runtime", "123", "1123", "heap+stack relative to"},
		"post":    {"2 producers, at most 8 functions under way", "ns/hand-over", "hand-overs/s", "50.0", "hand-overs/s relative to"},
		"queued":  {"5 calls waiting for 9 slots", "heap+stack", "123", "heap+stack relative to"},
		"lag":     {"5 redis operations in flight on 9 connections while 70 rows are read", "timer p99 µs", "1234", "post max µs", "2345", "3456", "rows/s relative to"},
	} {
		paths := measures[driver].paths
		s := sample{
			OpsPerSec: 2e7, NsPerOp: 50, CPU: 7, Heap: 100, Stack: 23, Runtime: 1000,
			RowsPerSec: 3456, TimerLag: lateness{P99: 1234}, PostLag: lateness{Max: 2345},
		}
		cfg := config{driver: driver, paths: paths, bytes: 3 << 20, buffer: 4096, backlog: 8, rows: 70}
		var out bytes.Buffer
		r := result{cell{conns: 9, inflight: 5, producers: 2}, []round{{paths[0]: s, paths[1]: s}}}
		if err := publish(cfg, []result{r}, &out); err != nil {
			t.Fatal(err)
		}
		for _, text := range want {
			if !strings.Contains(out.String(), text) {
				t.Errorf("%s: %q is not in\n%s", driver, text, &out)
			}
		}
	}
}
