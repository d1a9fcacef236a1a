package fakesock

import (
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/valet-go/valet/loop"
)

func TestStatsCountCallsAndBytes(t *testing.T) {
	l := startLoop(t)
	a, b := fakePair(t, l, "tcp4")
	mustWrite(t, a, "hello")
	mustWrite(t, a, "")
	mustRead(t, b, "hel")
	mustRead(t, b, "lo")
	b.SetReadDeadline(time.Unix(1, 0))
	b.Read(make([]byte, 1)) // a call that fails counts, too
	if n, err := a.ReadFrom(strings.NewReader("more")); n != 4 || err != nil {
		t.Fatal(n, err)
	}
	got := a.Stats()
	if got.BytesWritten != 9 || got.Writes != 3 || got.Reads != 0 || got.BytesRead != 0 {
		t.Errorf("the writer's: %+v", got)
	}
	got = b.Stats()
	if got.BytesRead != 5 || got.Reads != 3 || got.Writes != 0 || got.BytesWritten != 0 {
		t.Errorf("the reader's: %+v", got)
	}
	b.Close()
	if after := b.Stats(); after != got {
		t.Errorf("after Close: %+v", after)
	}
}

func TestParkedListsWhatWaits(t *testing.T) {
	l := startLoop(t)
	start := time.Now()
	ln := listenFake(t, l, "tcp4")
	asyncAccept(t, ln)
	awaitParked(t, &ln.s.r)
	a, _ := dialPair(t, l, "tcp4")
	b, _ := dialPair(t, l, "tcp4")
	deadline := time.Now().Add(time.Hour)
	a.SetReadDeadline(deadline)
	read := async(func() (int, error) { return a.Read(make([]byte, 1)) })
	awaitParked(t, &a.s.r)
	fill(t, b)
	async(func() (int, error) { return b.Write(make([]byte, 1<<20)) })
	awaitParked(t, &b.s.w)
	raw := async(func() (int, error) { return 0, rawOf(b).Read(func(uintptr) bool { return false }) })
	var ops []ParkedOp
	for end := time.Now().Add(20 * time.Second); len(ops) < 4 && time.Now().Before(end); runtime.Gosched() {
		ops = Parked(l)
		if portable && len(ops) == 3 { // raw calls are package net's there
			break
		}
	}
	t.Log(ops)
	for i, want := range []struct {
		op       string
		of       interface{ ends() (local, remote string) }
		deadline time.Time
	}{
		{"accept", listenerEnds{ln}, time.Time{}},
		{"read", connEnds{a}, deadline},
		{"write", connEnds{b}, time.Time{}},
		{"raw-read", connEnds{b}, time.Time{}},
	} {
		if i >= len(ops) {
			if !portable || want.op != "raw-read" {
				t.Errorf("%s is not listed", want.op)
			}
			break
		}
		got := ops[i]
		local, remote := want.of.ends()
		if got.Op != want.op || got.Local.String() != local || got.Remote != nil && got.Remote.String() != remote || got.Remote == nil && remote != "" {
			t.Errorf("%d: %+v; want %s of %s and %s", i, got, want.op, local, remote)
		}
		if got.Since.Before(start) || got.Since.After(time.Now()) {
			t.Errorf("%s is parked since %v", got.Op, got.Since)
		}
		if d := got.Deadline.Sub(want.deadline); d < -time.Millisecond || d > time.Millisecond || got.Deadline.IsZero() != want.deadline.IsZero() {
			t.Errorf("%s has the deadline %v, want %v", got.Op, got.Deadline, want.deadline)
		}
	}
	if s := a.Stats(); s.ReadParks != 1 || s.ReadParked <= 0 || s.ReadParked > time.Since(start) {
		t.Errorf("while a read is parked: %+v", s)
	}
	a.Close()
	await(t, read)
	if s := a.Stats(); s.ReadParks != 1 || s.ReadParked <= 0 || s.ReadParked > time.Since(start) {
		t.Errorf("afterwards: %+v", s)
	}
	b.Close()
	ln.Close()
	await(t, raw)
	if ops := Parked(l); len(ops) != 0 {
		t.Errorf("still listed when all is closed: %v", ops)
	}
}

func TestACopyWhoseReaderPanicsIsNotParked(t *testing.T) {
	for _, network := range networks {
		l := startLoop(t)
		c, _ := dialPair(t, l, network)
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: the panic was swallowed", network)
				}
			}()
			c.ReadFrom(panicking{})
		}()
		if ops := Parked(l); len(ops) != 0 {
			t.Errorf("%s: %v", network, ops)
		}
	}
}

type panicking struct{}

func (panicking) Read([]byte) (int, error) { panic("as planned") }

type connEnds struct{ c *Conn }

func (e connEnds) ends() (string, string) { return e.c.LocalAddr().String(), e.c.RemoteAddr().String() }

type listenerEnds struct{ ln *Listener }

func (e listenerEnds) ends() (string, string) { return e.ln.Addr().String(), "" }

// The list must hold neither connections that nobody else does, nor loops.
func TestTheRosterForgets(t *testing.T) {
	l := startLoop(t)
	ln := listen(t, "tcp4")
	listed := func() int { return len(listed(l)) }
	d := &Dialer{Loop: l}
	for range 10 {
		if _, err := d.Dial("tcp4", ln.Addr().String()); err != nil {
			t.Fatal(err)
		}
	}
	for end := time.Now().Add(20 * time.Second); listed() > 0; runtime.GC() {
		if time.Now().After(end) {
			t.Fatalf("%d forgotten connections are still listed after 20 s", listed())
		}
	}
	var conns []*Conn
	for range 5 {
		c, _ := dialPair(t, l, "tcp4")
		conns = append(conns, c)
	}
	for i, at := range []int{2, 4, 0, 1, 3} { // the middle, both ends, the rest
		conns[at].Close()
		if got := listed(); got != 4-i {
			t.Errorf("%d listed after %d of 5 were closed", got, i+1)
		}
	}
	roster.mu.Lock()
	defer roster.mu.Unlock()
	if _, ok := roster.of[l]; ok {
		t.Error("the loop is still listed")
	}
}

func TestParkedOfAClosedLoopIsEmpty(t *testing.T) {
	l := startLoop(t)
	c, _ := dialPair(t, l, "tcp4")
	r := async(func() (int, error) { return c.Read(make([]byte, 1)) })
	awaitParked(t, &c.s.r)
	l.Close()
	if portable { // its loop ends no call
		c.Close()
	}
	if got := await(t, r); got.err == nil {
		t.Error("no error")
	}
	if ops := Parked(l); len(ops) != 0 {
		t.Errorf("%v", ops)
	}
	var none *loop.Loop
	if ops := Parked(none); len(ops) != 0 {
		t.Errorf("of no loop: %v", ops)
	}
}
