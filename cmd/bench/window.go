package main

import (
	"runtime"
	"time"
)

// window is the time between two readings of everything that is measured.
type window struct {
	wall time.Duration
	cpu  time.Duration // negative if the system does not tell
	ops  uint64

	mallocs    uint64 // over a slightly longer time, with mallocOps
	mallocsOps uint64
}

// observe measures work, which does a known number of operations.
func observe(ops uint64, work func() error) (window, error) {
	w := window{ops: ops, mallocsOps: ops}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start, cpu := time.Now(), cpuTime()
	err := work()
	w.cpu, w.wall = cpuTime()-cpu, time.Since(start)
	if cpu < 0 {
		w.cpu = -1
	}
	runtime.ReadMemStats(&after)
	w.mallocs = after.Mallocs - before.Mallocs
	return w, err
}

// sample turns a window into the figures that are reported.
func (w window) sample() sample {
	s := sample{
		OpsPerSec: float64(w.ops) / w.wall.Seconds(),
		CPU:       -1,
		Allocs:    float64(w.mallocs) / float64(max(w.mallocsOps, 1)),
		PeakRSS:   peakRSS(),
	}
	if w.cpu >= 0 {
		s.CPU = float64(w.cpu) / 1e3 / float64(w.ops)
	}
	return s
}
