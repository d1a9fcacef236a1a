package promadapter

import (
	"maps"
	"testing"
	"time"

	"github.com/valet-go/valet/loop"
)

func TestALoopsLagIsAHistogram(t *testing.T) {
	a := newAdapter(t)
	l := a.Loop()
	reg := registry(t, NewLoopCollector("main", l))
	const n = 20
	eventually(t, "the loop has lagged a few times", func() bool {
		for range n {
			if err := call(a, nothing); err != nil {
				t.Fatal(err)
			}
		}
		s := l.Stats()
		slow := s.Lag.Count() - s.Lag[0] // which count as more than 0 in the sum
		return s.Lag.Count() >= n && slow > 0 && s.Sleeps > 0 && s.Wakeups > 0
	})
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]float64{}
	for _, f := range families {
		m := f.GetMetric()[0]
		if l := m.GetLabel(); len(f.GetMetric()) != 1 || len(l) != 1 || l[0].GetName() != "loop" || l[0].GetValue() != "main" {
			t.Errorf("%s has the labels %v", f.GetName(), l)
		}
		seen[f.GetName()] = m.GetCounter().GetValue() + m.GetGauge().GetValue()
		if f.GetName() == "valet_loop_lag_seconds" {
			h := m.GetHistogram()
			if h.GetSampleCount() < n || h.GetSampleSum() <= 0 || len(h.GetBucket()) != len(loop.Histogram{})-1 {
				t.Errorf("lag: %v", h)
			}
		}
	}
	for _, name := range []string{"iterations", "sleeps", "wakeups", "callbacks"} {
		if seen["valet_loop_"+name+"_total"] <= 0 {
			t.Errorf("no %s counted: %v", name, seen)
		}
	}
	if len(seen) != 10 {
		t.Errorf("%d metrics: %v", len(seen), seen)
	}
}

func TestAHistogramIsCumulated(t *testing.T) {
	var h loop.Histogram
	h[0] = 5        // below 1 µs
	h[1] = 2        // from 1 to 2 µs
	h[11] = 1       // from 1024 to 2048 µs
	h[len(h)-1] = 3 // from 2^22 µs
	count, sum, got := cumulate(&h)
	want := map[float64]uint64{}
	for i := range len(h) - 1 {
		n := uint64(7)
		switch {
		case i == 0:
			n = 5
		case i >= 11:
			n = 8
		}
		want[(time.Microsecond << i).Seconds()] = n
	}
	if count != 11 || !maps.Equal(got, want) {
		t.Errorf("%d in all, in buckets %v; want %v", count, got, want)
	}
	least := 2*time.Microsecond + 1024*time.Microsecond + 3<<22*time.Microsecond
	if diff := sum - least.Seconds(); diff < -1e-9 || diff > 1e-9 {
		t.Errorf("the sum is %v, want %v", sum, least.Seconds())
	}
}
