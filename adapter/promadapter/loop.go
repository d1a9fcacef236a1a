package promadapter

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/valet-go/valet/loop"
)

// NewLoopCollector returns a collector of what a loop has done. The metrics have
// the label loop, which is name, and which must be another for each loop that is
// registered:
//
//	valet_loop_lag_seconds           histogram: how long callbacks waited for the loop
//	valet_loop_handles
//	valet_loop_iterations_total
//	valet_loop_sleeps_total          iterations that waited
//	valet_loop_wakeups_total         waits that a post, or another call from outside, ended
//	valet_loop_callbacks_total
//	valet_loop_panics_total          in callbacks
//	valet_loop_stalls_total          callbacks that the watchdog reported
//	valet_loop_read_bytes_total      by streams
//	valet_loop_written_bytes_total   by streams
//
// The lag is a sample, see [loop.Stats]; its sum is the least that it can be, and
// more than half of what it is. The counts of a busy loop are up to 64 iterations
// old. A nil loop panics. The loop may be closed at any time.
func NewLoopCollector(name string, l *loop.Loop) prometheus.Collector {
	if l == nil {
		panic("promadapter: NewLoopCollector needs a loop, not nil")
	}
	c := &loopCollector{loop: l}
	labels := prometheus.Labels{"loop": label(name)}
	desc := func(name, help string) *prometheus.Desc {
		return prometheus.NewDesc("valet_loop_"+name, help, nil, labels)
	}
	counter := func(name, help string, of func(*loop.Stats) uint64) loopMetric {
		return loopMetric{desc(name, help), prometheus.CounterValue, func(s *loop.Stats) float64 { return float64(of(s)) }}
	}
	c.lag = desc("lag_seconds", "How long callbacks that could run waited for the loop.")
	c.metrics = []loopMetric{
		{
			desc("handles", "Descriptors that are registered."), prometheus.GaugeValue,
			func(s *loop.Stats) float64 { return float64(s.Handles) },
		},
		counter("iterations_total", "Iterations of the loop.", func(s *loop.Stats) uint64 { return s.Iterations }),
		counter("sleeps_total", "Iterations that waited.", func(s *loop.Stats) uint64 { return s.Sleeps }),
		counter("wakeups_total", "Waits that were ended from outside.", func(s *loop.Stats) uint64 { return s.Wakeups }),
		counter("callbacks_total", "Callbacks that ran.", func(s *loop.Stats) uint64 { return s.Callbacks }),
		counter("panics_total", "Callbacks that panicked.", func(s *loop.Stats) uint64 { return s.Panics }),
		counter("stalls_total", "Callbacks that the watchdog reported.", func(s *loop.Stats) uint64 { return s.Stalls }),
		counter("read_bytes_total", "Bytes that streams have read.", func(s *loop.Stats) uint64 { return s.BytesRead }),
		counter("written_bytes_total", "Bytes that streams have written.", func(s *loop.Stats) uint64 { return s.BytesWritten }),
	}
	return c
}

type loopCollector struct {
	loop    *loop.Loop
	lag     *prometheus.Desc
	metrics []loopMetric
}

type loopMetric struct {
	desc *prometheus.Desc
	kind prometheus.ValueType
	of   func(*loop.Stats) float64
}

// Describe implements prometheus.Collector.
func (c *loopCollector) Describe(ch chan<- *prometheus.Desc) {
	ch <- c.lag
	for i := range c.metrics {
		ch <- c.metrics[i].desc
	}
}

// Collect implements prometheus.Collector.
func (c *loopCollector) Collect(ch chan<- prometheus.Metric) {
	s := c.loop.Stats()
	for i := range c.metrics {
		m := &c.metrics[i]
		ch <- prometheus.MustNewConstMetric(m.desc, m.kind, m.of(&s))
	}
	count, sum, buckets := cumulate(&s.Lag)
	ch <- prometheus.MustNewConstHistogram(c.lag, count, sum, buckets)
}

// cumulate makes a histogram one of Prometheus's, whose buckets, named by their
// upper bounds in seconds, count what is below as well. The sum takes each
// duration for the least of its bucket. The last bucket has no upper bound.
func cumulate(h *loop.Histogram) (count uint64, sum float64, buckets map[float64]uint64) {
	buckets = make(map[float64]uint64, len(h)-1)
	var least time.Duration
	for i, n := range h {
		count += n
		sum += float64(n) * least.Seconds()
		least = time.Microsecond << i
		if i < len(h)-1 {
			buckets[least.Seconds()] = count
		}
	}
	return count, sum, buckets
}
