package main

import "slices"

// sample is what was measured of one side in one round. Which of the figures
// there are depends on the measure; those that JSON leaves out when they are
// zero were not measured, or are zero. An operation is what the measure counts:
// an operation, a MiB, a hand-over, a connection.
type sample struct {
	OpsPerSec float64 `json:"ops_s,omitempty"`
	NsPerOp   float64 `json:"ns_op,omitempty"`     // 1e9 / OpsPerSec, where that is what counts
	CPU       float64 `json:"cpu_us_op,omitempty"` // microseconds per operation; negative if the system does not tell
	P50       float64 `json:"p50_us,omitempty"`    // microseconds
	P99       float64 `json:"p99_us,omitempty"`    // microseconds
	Allocs    float64 `json:"allocs_op"`
	PeakRSS   int64   `json:"peak_rss_bytes,omitempty"` // 0 if the system does not tell

	RowsPerSec float64  `json:"rows_s,omitempty"`
	TimerLag   lateness `json:"timer_lag,omitzero"` // see heartbeat.go
	PostLag    lateness `json:"post_lag,omitzero"`

	UnderWay float64 `json:"under_way,omitempty"` // functions handed over that had not run, on average

	// Bytes per connection; see driver_memory.go.
	Heap      float64 `json:"heap_bytes_op,omitempty"`
	Stack     float64 `json:"stack_bytes_op,omitempty"`
	HeapInUse float64 `json:"heap_in_use_bytes_op,omitempty"`
	Runtime   float64 `json:"runtime_bytes_op,omitempty"`

	// The same; see resident.go.
	Resident     float64 `json:"resident_bytes_op,omitempty"`
	PageTables   float64 `json:"page_table_bytes_op,omitempty"`
	KernelStacks float64 `json:"kernel_stack_bytes_op,omitempty"`
	Tokens       int     `json:"tokens,omitempty"` // of the source; see styles.go
}

// round holds one sample per side, by its name, all taken right after one
// another.
type round map[string]sample

// median returns the middle value, or the mean of the two middle ones. It is 0
// for no values.
func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	mid := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[mid]
	}
	return (sorted[mid-1] + sorted[mid]) / 2
}

// medians returns the median of each quantity of one side over the rounds.
func medians(rounds []round, side string) sample {
	of := func(quantity func(sample) float64) float64 {
		var values []float64
		for _, r := range rounds {
			values = append(values, quantity(r[side]))
		}
		return median(values)
	}
	lag := func(quantity func(sample) lateness) lateness {
		return lateness{
			P50: of(func(s sample) float64 { return quantity(s).P50 }),
			P99: of(func(s sample) float64 { return quantity(s).P99 }),
			Max: of(func(s sample) float64 { return quantity(s).Max }),
		}
	}
	return sample{
		OpsPerSec:  of(func(s sample) float64 { return s.OpsPerSec }),
		NsPerOp:    of(func(s sample) float64 { return s.NsPerOp }),
		CPU:        of(func(s sample) float64 { return s.CPU }),
		P50:        of(func(s sample) float64 { return s.P50 }),
		P99:        of(func(s sample) float64 { return s.P99 }),
		Allocs:     of(func(s sample) float64 { return s.Allocs }),
		PeakRSS:    int64(of(func(s sample) float64 { return float64(s.PeakRSS) })),
		RowsPerSec: of(func(s sample) float64 { return s.RowsPerSec }),
		TimerLag:   lag(func(s sample) lateness { return s.TimerLag }),
		PostLag:    lag(func(s sample) lateness { return s.PostLag }),
		UnderWay:   of(func(s sample) float64 { return s.UnderWay }),
		Heap:       of(func(s sample) float64 { return s.Heap }),
		Stack:      of(func(s sample) float64 { return s.Stack }),
		HeapInUse:  of(func(s sample) float64 { return s.HeapInUse }),
		Runtime:    of(func(s sample) float64 { return s.Runtime }),

		Resident:     of(func(s sample) float64 { return s.Resident }),
		PageTables:   of(func(s sample) float64 { return s.PageTables }),
		KernelStacks: of(func(s sample) float64 { return s.KernelStacks }),
		Tokens:       int(of(func(s sample) float64 { return float64(s.Tokens) })),
	}
}

// spread is the median of some ratios with the least and the greatest of them.
type spread struct {
	median, least, most float64
	n                   int
}

// compare divides a figure of one side by that of a base within each round. A
// round in which one of them is not known, or not above zero, is left out; if
// none is left, all is zero.
func compare(rounds []round, side, base string, f figure) spread {
	var ratios []float64
	for _, r := range rounds {
		x, known := f.of(r[side])
		y, baseKnown := f.of(r[base])
		if known && baseKnown && x > 0 && y > 0 {
			ratios = append(ratios, x/y)
		}
	}
	if len(ratios) == 0 {
		return spread{}
	}
	return spread{median(ratios), slices.Min(ratios), slices.Max(ratios), len(ratios)}
}
