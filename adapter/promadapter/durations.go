package promadapter

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/valet-go/valet/adapter"
)

// Durations is a collector of how long calls took, each with the labels backend
// and call, which is what was given to [adapter.Name]:
//
//	valet_call_duration_seconds      histogram: how long the bodies ran
//	valet_call_wait_seconds          histogram: how long calls waited for a slot, or for their turn
//	valet_calls_failed_total         calls whose callbacks got an error
//
// Every pair of labels costs a time series for each bucket of either histogram,
// some 25 with the buckets that are set by default, in this process and in
// Prometheus, for good. So name calls after what they do ("users.find"), and
// never after what they do it with (an id, a query, an address), and do not make
// backends of ever new names.
type Durations struct {
	ran, waited *prometheus.HistogramVec
	failed      *prometheus.CounterVec
}

// NewDurations returns a Durations, to be registered, with a [Durations.Hook] that
// is to be given to adapters. The upper bounds of the histograms' buckets are in
// seconds, and must increase, or it panics; by default they are 0.1 ms and
// fourfold up to 26 s.
func NewDurations(buckets ...float64) *Durations {
	if len(buckets) == 0 {
		buckets = prometheus.ExponentialBuckets(100e-6, 4, 10)
	}
	prometheus.NewHistogram(prometheus.HistogramOpts{Buckets: buckets}) // a Vec would panic in the first call only
	labels := []string{"backend", "call"}
	histogram := func(name, help string) *prometheus.HistogramVec {
		return prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}, labels)
	}
	return &Durations{
		ran:    histogram("valet_call_duration_seconds", "How long the bodies of calls ran, or until they were abandoned."),
		waited: histogram("valet_call_wait_seconds", "How long calls waited for a slot, or for their turn in a lane."),
		failed: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "valet_calls_failed_total", Help: "Calls whose callbacks got an error.",
		}, labels),
	}
}

// Hook returns the hook that measures calls; one for any number of adapters. A
// backend inherits hooks, so it is to be given to an adapter or to those made
// from it, not to both. A call whose body never ran has no duration, and one that
// was refused has not waited either.
func (d *Durations) Hook() adapter.Hook {
	return adapter.Hook{End: func(_ context.Context, c adapter.CallEnd) {
		backend, call := label(c.Backend), label(c.Name)
		if c.Began {
			d.ran.WithLabelValues(backend, call).Observe(c.Ran.Seconds())
		}
		if !c.Refused {
			d.waited.WithLabelValues(backend, call).Observe(c.Waited.Seconds())
		}
		failed := d.failed.WithLabelValues(backend, call) // also makes a 0 visible
		if c.Err != nil {
			failed.Inc()
		}
	}}
}

// Describe implements prometheus.Collector.
func (d *Durations) Describe(ch chan<- *prometheus.Desc) {
	d.ran.Describe(ch)
	d.waited.Describe(ch)
	d.failed.Describe(ch)
}

// Collect implements prometheus.Collector.
func (d *Durations) Collect(ch chan<- prometheus.Metric) {
	d.ran.Collect(ch)
	d.waited.Collect(ch)
	d.failed.Collect(ch)
}
