package main

import "runtime"

// memoryOf are the columns of what one of many holds; see grown.
func memoryOf(unit string) []figure {
	return []figure{
		heapAndStack,
		always("heap", "%.0f", func(s sample) float64 { return s.Heap }),
		always("stack", "%.0f", func(s sample) float64 { return s.Stack }),
		always("heap in use", "%.0f", func(s sample) float64 { return s.HeapInUse }),
		always("runtime", "%.0f", func(s sample) float64 { return s.Runtime }),
		allMemory, allocsPer(unit), rss,
	}
}

var (
	heapAndStack = always("heap+stack", "%.0f", func(s sample) float64 { return s.Heap + s.Stack })
	allMemory    = always("heap+stack+runtime", "%.0f", func(s sample) float64 { return s.Heap + s.Stack + s.Runtime })
)

// settled reads the memory once garbage, pools (which survive one collection)
// and the stacks of ended goroutines are gone.
func settled() (m runtime.MemStats) {
	for range 4 {
		runtime.GC()
	}
	runtime.ReadMemStats(&m)
	return m
}

// grown is what each of n holds that came between two readings. What the
// figures count is in the doc comment of main.go.
func grown(before, after runtime.MemStats, n int) sample {
	each := func(of func(*runtime.MemStats) uint64) float64 {
		return (float64(of(&after)) - float64(of(&before))) / float64(n)
	}
	return sample{
		Allocs:    each(func(m *runtime.MemStats) uint64 { return m.Mallocs }),
		PeakRSS:   peakRSS(),
		Heap:      each(func(m *runtime.MemStats) uint64 { return m.HeapAlloc }),
		Stack:     each(func(m *runtime.MemStats) uint64 { return m.StackInuse }),
		HeapInUse: each(func(m *runtime.MemStats) uint64 { return m.HeapInuse }),
		// runtime.pollDesc, Go's poller's part of a net.Conn, is in OtherSys.
		Runtime: each(func(m *runtime.MemStats) uint64 {
			return m.OtherSys + m.MSpanInuse + m.MCacheInuse + m.GCSys
		}),
	}
}
