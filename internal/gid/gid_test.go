package gid

import (
	"runtime"
	"sync"
	"testing"
)

func TestTellsLiveGoroutinesApart(t *testing.T) {
	const n = 200
	var mu sync.Mutex
	seen := map[uintptr]bool{Current(): true}
	var arrived, done sync.WaitGroup
	release := make(chan struct{})
	for range n {
		arrived.Add(1)
		done.Go(func() {
			id := Current()
			mu.Lock()
			if seen[id] {
				t.Errorf("two live goroutines share %#x", id)
			}
			seen[id] = true
			mu.Unlock()
			arrived.Done()
			<-release
			if got := grow(200); got != id {
				t.Errorf("%#x became %#x after stack growth and GC", id, got)
			}
		})
	}
	arrived.Wait()
	close(release)
	done.Wait()
}

// grow makes the stack move and the collector run before it asks again.
func grow(depth int) uintptr {
	var pad [1024]byte
	if depth > 0 {
		id := grow(depth - 1)
		pad[depth%len(pad)] = 1
		runtime.KeepAlive(&pad)
		return id
	}
	runtime.GC()
	return Current()
}

func BenchmarkCurrent(b *testing.B) {
	for b.Loop() {
		Current()
	}
}
