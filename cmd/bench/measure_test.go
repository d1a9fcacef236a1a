package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"testing"
)

func TestOpenEndToEnd(t *testing.T) {
	doc := smallLoad(t, "-driver", "open", "-conns", "3,30", "-inflight", "3")
	if len(doc.Rows) != 4 || len(doc.Ratios) != 4*3 {
		t.Fatalf("%d rows and %d ratios, want 4 and 12", len(doc.Rows), len(doc.Ratios))
	}
	found := false
	for _, r := range doc.Ratios {
		if r.Path == "sock" && r.Base == "sock" && r.Conns == 30 && r.BaseConns == 3 {
			found = true
			if r.Throughput <= 0 || r.ThroughputMin > r.Throughput || r.ThroughputMax < r.Throughput {
				t.Errorf("ratio: %+v", r)
			}
		}
	}
	if !found {
		t.Errorf("30 open connections are not compared with 3 on the same path: %+v", doc.Ratios)
	}
}

func TestBulkEndToEnd(t *testing.T) {
	for _, args := range []string{
		"-driver bulk-in", "-driver bulk-out", "-driver bulk-in -tls", "-driver bulk-out -tls -procs 1",
		"-driver bulk-out -bytes 1 -buffer 1 -pairs 1", "-driver bulk-in -bytes 1 -buffer 1 -pairs 1",
	} {
		t.Run(args, func(t *testing.T) {
			doc := smallRun(t, append([]string{"-bytes", "3MiB", "-buffer", "10007"}, strings.Fields(args)...)...)
			if len(doc.Rows) != 2 || len(doc.Ratios) != 2 || doc.Rows[0].Unit != "MiB" || doc.Rows[0].Bytes == 0 {
				t.Errorf("document: %+v", doc)
			}
		})
	}
}

// Bytes that are lost, moved or missing fail a transfer.
func TestBulkSeesWhatIsWrong(t *testing.T) {
	var sent bytes.Buffer
	if err := newPipe(100).send(&sent, 1000); err != nil {
		t.Fatal(err)
	}
	if err := newPipe(64).receive(bytes.NewReader(sent.Bytes()), 1000); err != nil {
		t.Errorf("all bytes: %v", err)
	}
	if err := newPipe(64).receive(bytes.NewReader(sent.Bytes()[:999]), 1000); !errors.Is(err, io.EOF) {
		t.Errorf("one byte too few: %v", err)
	}
	lost := append(append([]byte(nil), sent.Bytes()[:300]...), sent.Bytes()[301:]...)
	if err := newPipe(64).receive(bytes.NewReader(lost), 999); err == nil || !strings.Contains(err.Error(), "not those that were sent") {
		t.Errorf("a byte is lost: %v", err)
	}
}

func TestBulkHeader(t *testing.T) {
	h := newBulkHeader(true, 1<<40)
	if !h.in() || h.bytes() != 1<<40 || binary.BigEndian.Uint64(h[1:]) != 1<<40 {
		t.Errorf("header: %v", h)
	}
	if newBulkHeader(false, 1).in() {
		t.Error("out is in")
	}
}

func TestMemoryEndToEnd(t *testing.T) {
	doc := smallRun(t, "-driver", "memory", "-conns", "200", "-pairs", "1")
	if len(doc.Rows) != 2 || len(doc.Ratios) != 2 || doc.Rows[0].Unit != "conn" {
		t.Fatalf("document: %+v", doc)
	}
	for _, r := range doc.Rows {
		if r.Heap < 1 || r.Allocs < 1 {
			t.Errorf("%s: %+v", r.Path, r.sample)
		}
	}
	if doc.Ratios[0].Memory <= 0 || doc.Ratios[0].MemoryAll <= 0 {
		t.Errorf("ratio: %+v", doc.Ratios[0])
	}
}

func TestPostEndToEnd(t *testing.T) {
	doc := smallRun(t, "-driver", "post", "-producers", "1,3", "-backlog", "7", "-funcs", "10001")
	if len(doc.Rows) != 4 || len(doc.Ratios) != 4 {
		t.Fatalf("%d rows and %d ratios, want 4 and 4", len(doc.Rows), len(doc.Ratios))
	}
	for _, r := range doc.Rows {
		if r.NsPerOp <= 0 || r.UnderWay <= 0 || r.UnderWay > 7 || r.Unit != "hand-over" || r.Producers == 0 || r.Backlog != 7 {
			t.Errorf("row: %+v", r)
		}
	}
}

// All functions run, and never are more than the backlog under way.
func TestHandOverIsBounded(t *testing.T) {
	for _, sp := range []spec{
		{Producers: 1, Backlog: 1}, {Producers: 1, Backlog: 100}, {Producers: 5, Backlog: 5}, {Producers: 64, Backlog: 1000},
	} {
		waiting := make(chan func(), 100_000)
		most := 0
		ln := line{send: func(fn func()) error { waiting <- fn; return nil }}
		go func() {
			for fn := range waiting {
				most = max(most, len(waiting)+1)
				fn()
			}
		}()
		if _, err := handOver(ln, sp, 20_000); err != nil {
			t.Fatal(err)
		}
		close(waiting)
		if most > sp.Backlog {
			t.Errorf("%d producers: %d functions under way, want at most %d", sp.Producers, most, sp.Backlog)
		}
	}
}

func TestHandOverReportsAFailedSend(t *testing.T) {
	closed := errors.New("closed")
	_, err := handOver(line{send: func(func()) error { return closed }}, spec{Producers: 3, Backlog: 8}, 100)
	if !errors.Is(err, closed) {
		t.Errorf("error: %v", err)
	}
}
