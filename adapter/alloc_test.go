package adapter

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"unsafe"
)

func TestCallAllocatesAtMostThreeTimes(t *testing.T) {
	a := newAdapter(t)
	ctx, cancel := context.WithCancel(bg)
	defer cancel()
	var lane Lane
	came := make(chan struct{})
	body := func(context.Context) (int, error) { return 0, nil }
	cb := func(int, error) { came <- struct{}{} }
	for name, start := range map[string]func(){
		"plain": func() { Go(ctx, a, body, cb) },
		"held":  func() { Go(ctx, a, body, cb, Held()) },
		"lane":  func() { Go(ctx, a, body, cb, Held(), In(&lane)) },
	} {
		n := testing.AllocsPerRun(5000, func() { start(); <-came })
		t.Logf("%s: %.2f allocations per call (race detector: %v)", name, n, raceEnabled)
		if n > 3 && !raceEnabled {
			t.Errorf("%s: %.2f allocations per call, want at most 3", name, n)
		}
	}
}

func TestSizeOfACall(t *testing.T) {
	const most = 208
	if n := unsafe.Sizeof(call[struct{}]{}); n > most {
		t.Errorf("a call takes %d bytes, want at most %d, a size class of the allocator", n, most)
	}
}

func TestQueuedCallCostsLittleMemory(t *testing.T) {
	const calls, most = 100_000, 256
	a := newAdapter(t, WithSlots(1), WithQueue(calls))
	head := block(t, a)
	done := make(chan struct{})
	left := calls // on the loop
	body := func(context.Context) (struct{}, error) { return struct{}{}, nil }
	cb := func(struct{}, error) {
		if left--; left == 0 {
			close(done)
		}
	}
	before := heap()
	for range calls {
		Go(bg, a, body, cb)
	}
	each := float64(heap()-before) / calls
	t.Logf("%.1f bytes per queued call (race detector: %v)", each, raceEnabled)
	if each > most && !raceEnabled {
		t.Errorf("a queued call takes %.1f bytes, want at most %d", each, most)
	}
	head.release()
	await(t, done)
}

func TestIdleWorkersKeepNoResults(t *testing.T) {
	const calls, size = 8, 1 << 16
	a := newAdapter(t, WithSlots(calls))
	var freed atomic.Int32
	var all sync.WaitGroup
	all.Add(calls)
	release := make(chan struct{})
	for range calls {
		big := new([size]byte)
		runtime.AddCleanup(big, func(int) { freed.Add(1) }, 0)
		Go(bg, a, func(context.Context) (*[size]byte, error) { <-release; return big, nil }, func(*[size]byte, error) { all.Done() })
	}
	close(release)
	all.Wait()
	eventually(t, "the results are garbage", func() bool {
		runtime.GC()
		on(t, a, func() {}) // what the loop's queue held is overwritten
		return freed.Load() == calls
	})
}

// heap returns the bytes of live objects.
func heap() uint64 {
	runtime.GC()
	runtime.GC() // sweeps what the first has found
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
