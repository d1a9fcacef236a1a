//go:build (linux || darwin || freebsd || netbsd || openbsd || dragonfly) && !valetportable

package fakesock

import (
	"io"
	"net"
	"os"
	"runtime"
	"runtime/pprof"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/valet-go/valet/internal/sysio"
)

// The footprint is measured on those of idleConns connections that come after
// the first warmUp.
const (
	idleConns = 2000
	warmUp    = 200
)

// What one idle connection may cost.
const (
	maxIdleBytes = 600
	// Spans of stacks come and go in steps of 32 KiB; one stack per connection
	// would be 2 KiB.
	maxIdleStack = 500
)

// TestAnIdleConnIsSmall measures heap and stacks per connection after a read
// that parked and a write, both with a deadline. The other ends are bare
// descriptors, which cost this process nothing.
func TestAnIdleConnIsSmall(t *testing.T) {
	if sysio.RaceEnabled {
		t.Log("sizes are measured without the race detector, which adds its own")
		return
	}
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil || limit.Cur < 2*idleConns+100 {
		t.Logf("too few descriptors allowed to measure (%d, %v); raise ulimit -n to %d", limit.Cur, err, 2*idleConns+100)
		return
	}
	for range 3 { // what else goes on in the process only ever adds
		if heap, stack := idleFootprint(t); heap <= maxIdleBytes && stack <= maxIdleStack {
			return
		}
	}
	t.Errorf("an idle connection may cost %d B of heap and %d B of stacks", maxIdleBytes, maxIdleStack)
}

// idleFootprint measures what one idle connection costs.
func idleFootprint(t *testing.T) (heap, stack int64) {
	l := startLoop(t)
	ln := listen(t, "tcp4").(*net.TCPListener)
	f, err := ln.File()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	fd := int(f.Fd()) // blocking, so that accept waits
	peers := make([]int, idleConns)
	conns := make([]net.Conn, idleConns)
	d := &Dialer{Loop: l}
	open := func(i int) {
		c, err := d.Dial("tcp", ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		if peers[i], _, err = unix.Accept(fd); err != nil {
			t.Fatal(err)
		}
		conns[i] = c
		c.SetDeadline(time.Now().Add(time.Hour))
		r := async(func() (int, error) { return io.ReadFull(c, make([]byte, 1)) })
		awaitParked(t, &c.(*Conn).s.r)
		if _, err := unix.Write(peers[i], []byte("x")); err != nil {
			t.Fatal(err)
		}
		if r := await(t, r); r.err != nil {
			t.Fatal(r.err)
		}
		mustWrite(t, c, "y")
	}
	for i := range warmUp { // what is there once: pools, goroutines to reuse, the runtime's poller
		open(i)
	}
	before := footprint()
	for i := warmUp; i < idleConns; i++ {
		open(i)
	}
	after := footprint()
	const n = idleConns - warmUp
	heap = int64(after.HeapAlloc-before.HeapAlloc) / n
	stack = (int64(after.StackInuse) - int64(before.StackInuse)) / n
	t.Logf("per idle connection: %d B of heap (%d B of spans), %d B of stacks, %d objects",
		heap, int64(after.HeapInuse-before.HeapInuse)/n, stack,
		int64(after.HeapObjects-before.HeapObjects)/n)
	if os.Getenv("FAKESOCK_HEAP_PROFILE") != "" {
		writeHeapProfile(t, os.Getenv("FAKESOCK_HEAP_PROFILE"))
	}
	for i := range conns {
		conns[i].Close()
		unix.Close(peers[i])
	}
	return heap, stack
}

func footprint() (m runtime.MemStats) {
	for range 3 {
		runtime.GC()
	}
	runtime.ReadMemStats(&m)
	return m
}

func writeHeapProfile(t *testing.T, to string) {
	f, err := os.Create(to)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := pprof.WriteHeapProfile(f); err != nil {
		t.Fatal(err)
	}
}
