package main

import "slices"

// sample is what one process measured in its window.
type sample struct {
	OpsPerSec float64 `json:"ops_s"`
	CPU       float64 `json:"cpu_us_op"` // microseconds per operation; negative if the system does not tell
	P50       float64 `json:"p50_us"`    // microseconds
	P99       float64 `json:"p99_us"`    // microseconds
	Allocs    float64 `json:"allocs_op"`
	PeakRSS   int64   `json:"peak_rss_bytes"` // 0 if the system does not tell
}

// round holds one sample per path, all taken right after one another.
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

// medians returns the median of each quantity of one path over the rounds.
func medians(rounds []round, path string) sample {
	of := func(quantity func(sample) float64) float64 {
		var values []float64
		for _, r := range rounds {
			values = append(values, quantity(r[path]))
		}
		return median(values)
	}
	return sample{
		OpsPerSec: of(func(s sample) float64 { return s.OpsPerSec }),
		CPU:       of(func(s sample) float64 { return s.CPU }),
		P50:       of(func(s sample) float64 { return s.P50 }),
		P99:       of(func(s sample) float64 { return s.P99 }),
		Allocs:    of(func(s sample) float64 { return s.Allocs }),
		PeakRSS:   int64(of(func(s sample) float64 { return float64(s.PeakRSS) })),
	}
}

// compare divides path by base within each round and returns the medians of
// those ratios. A ratio whose base is not above zero is left out, and is 0 if
// none is left.
func compare(rounds []round, path, base string) (throughput, cpu float64) {
	var t, c []float64
	for _, r := range rounds {
		if r[base].OpsPerSec > 0 {
			t = append(t, r[path].OpsPerSec/r[base].OpsPerSec)
		}
		if r[base].CPU > 0 && r[path].CPU > 0 {
			c = append(c, r[path].CPU/r[base].CPU)
		}
	}
	return median(t), median(c)
}
