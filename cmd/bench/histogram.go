package main

import (
	"math/bits"
	"sync/atomic"
	"time"
)

// histogram counts durations in buckets that are 1/64 of a power of two wide:
// an error below 1.6 %. Any goroutine may add; adding costs one atomic
// increment and never allocates. The zero value is empty.
type histogram struct {
	buckets [histogramBuckets]atomic.Uint64
}

const (
	histogramBits    = 6  // 64 buckets per power of two
	histogramMaxBits = 40 // durations from 2^40 ns, 18 minutes, count as that
	histogramBuckets = (histogramMaxBits - histogramBits + 1) << histogramBits
)

// bucket returns the index for a duration in nanoseconds. Values below 128
// have a bucket each.
func bucket(ns uint64) int {
	ns = min(ns, 1<<histogramMaxBits-1)
	shift := max(bits.Len64(ns)-histogramBits-1, 0)
	return shift<<histogramBits + int(ns>>shift)
}

// upper returns the largest duration in nanoseconds that falls into a bucket.
func upper(index int) uint64 {
	shift := max(index>>histogramBits-1, 0)
	mantissa := uint64(index - shift<<histogramBits)
	return (mantissa+1)<<shift - 1
}

// add counts one duration; a negative one counts as zero.
func (h *histogram) add(d time.Duration) {
	h.buckets[bucket(uint64(max(d, 0)))].Add(1)
}

// quantile returns the duration that the share q of all durations, 0 < q <= 1,
// does not exceed. It is 0 if there are none.
func (h *histogram) quantile(q float64) time.Duration {
	var total uint64
	for i := range h.buckets {
		total += h.buckets[i].Load()
	}
	rank := max(uint64(q*float64(total)+0.5), 1)
	var seen uint64
	for i := range h.buckets {
		if seen += h.buckets[i].Load(); seen >= rank {
			return time.Duration(upper(i))
		}
	}
	return 0
}
