package main

import (
	"math"
	"testing"
	"time"
)

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   float64
	}{
		{nil, 0},
		{[]float64{7}, 7},
		{[]float64{9, 1}, 5},
		{[]float64{100, 1, 2}, 2},
		{[]float64{4, 1, 3, 2}, 2.5},
	} {
		if got := median(c.values); got != c.want {
			t.Errorf("median(%v) = %v, want %v", c.values, got, c.want)
		}
	}
}

func TestMedianLeavesItsArgumentAlone(t *testing.T) {
	values := []float64{3, 1, 2}
	median(values)
	if values[0] != 3 || values[1] != 1 || values[2] != 2 {
		t.Errorf("values are now %v", values)
	}
}

func TestMediansAreTakenPerQuantity(t *testing.T) {
	rounds := []round{
		{"a": {OpsPerSec: 1, CPU: 30, P50: 5, P99: 6, Allocs: 2, PeakRSS: 300, Heap: 7, NsPerOp: 3, TimerLag: lateness{P50: 1, P99: 3, Max: 5}}},
		{"a": {OpsPerSec: 2, CPU: 10, P50: 4, P99: 9, Allocs: 2, PeakRSS: 100, Heap: 8, NsPerOp: 2, TimerLag: lateness{P50: 2, P99: 2, Max: 6}}},
		{"a": {OpsPerSec: 3, CPU: 20, P50: 6, P99: 7, Allocs: 8, PeakRSS: 200, Heap: 9, NsPerOp: 1, TimerLag: lateness{P50: 3, P99: 1, Max: 4}}},
	}
	want := sample{OpsPerSec: 2, CPU: 20, P50: 5, P99: 7, Allocs: 2, PeakRSS: 200, Heap: 8, NsPerOp: 2, TimerLag: lateness{P50: 2, P99: 2, Max: 5}}
	if got := medians(rounds, "a"); got != want {
		t.Errorf("medians = %+v, want %+v", got, want)
	}
}

// The machine is ten times slower in one round. Within each round b does twice
// the work, which medians of the two paths on their own would not show.
func TestRatiosAreTakenWithinARound(t *testing.T) {
	rounds := []round{
		{"a": {OpsPerSec: 100, CPU: 10}, "b": {OpsPerSec: 200, CPU: 5}},
		{"a": {OpsPerSec: 10, CPU: 100}, "b": {OpsPerSec: 20, CPU: 50}},
		{"a": {OpsPerSec: 50, CPU: 20}, "b": {OpsPerSec: 200, CPU: 5}},
	}
	for _, c := range []struct {
		side, base string
		figure     figure
		want       spread
	}{
		{"b", "a", perSecond(""), spread{2, 2, 4, 3}},
		{"b", "a", cpuPer("", ""), spread{0.5, 0.25, 0.5, 3}},
		{"a", "b", perSecond(""), spread{0.5, 0.25, 0.5, 3}},
		{"a", "b", cpuPer("", ""), spread{2, 2, 4, 3}},
	} {
		if got := compare(rounds, c.side, c.base, c.figure); got != c.want {
			t.Errorf("%s of %s to %s: %+v, want %+v", c.figure.heading, c.side, c.base, got, c.want)
		}
	}
}

func TestRatioOfUnknownCPUIsZero(t *testing.T) {
	rounds := []round{{"a": {OpsPerSec: 1, CPU: -1}, "b": {OpsPerSec: 3, CPU: -1}}}
	if got := compare(rounds, "b", "a", cpuPer("", "")); got != (spread{}) {
		t.Errorf("CPU: %+v", got)
	}
	if got := compare(rounds, "b", "a", perSecond("")); got != (spread{3, 3, 3, 1}) {
		t.Errorf("throughput: %+v", got)
	}
}

func TestSpreadShowsNoiseWhereThereIsMoreThanOneRound(t *testing.T) {
	for want, s := range map[string]spread{
		"–":                {},
		"1.50":             {1.5, 1.5, 1.5, 1},
		"1.50 (1.25–2.00)": {1.5, 1.25, 2, 3},
	} {
		if got := s.String(); got != want {
			t.Errorf("%+v is printed as %s, want %s", s, got, want)
		}
	}
}

func TestBucketsAreNarrowAndInOrder(t *testing.T) {
	last := -1
	for ns := uint64(1); ns < 1<<histogramMaxBits; ns += max(ns/100, 1) {
		b := bucket(ns)
		if b < last || b >= histogramBuckets {
			t.Fatalf("bucket(%d) = %d after %d", ns, b, last)
		}
		if top := upper(b); top < ns || float64(top) > float64(ns)*(1+1.0/64) {
			t.Fatalf("bucket %d of %d ns ends at %d", b, ns, top)
		}
		last = b
	}
	if b := bucket(math.MaxUint64); b != histogramBuckets-1 {
		t.Errorf("the longest duration is in bucket %d of %d", b, histogramBuckets)
	}
}

func TestQuantiles(t *testing.T) {
	var h histogram
	if got := h.quantile(0.5); got != 0 {
		t.Errorf("median of an empty histogram = %v", got)
	}
	h.add(-1)
	for i := 1; i < 100; i++ { // 0..99 have a bucket each
		h.add(time.Duration(i))
	}
	for _, c := range []struct {
		q    float64
		want int
	}{{0.50, 49}, {0.99, 98}, {1, 99}} {
		if got := h.quantile(c.q); got != time.Duration(c.want) {
			t.Errorf("quantile(%v) = %v, want %v", c.q, got, time.Duration(c.want))
		}
	}
}
