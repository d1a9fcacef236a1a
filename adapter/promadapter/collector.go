package promadapter

import (
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/valet-go/valet/adapter"
)

// NewCollector returns a collector of what the backends of the adapters, and
// those made from them, are doing and have done. Each metric has the label
// backend; those of slots have a label class as well, "short" or "long":
//
//	valet_calls_running              bodies that have not returned
//	valet_calls_abandoned            of these, those whose calls have ended
//	valet_calls_waiting              for a slot, or for their turn in a lane
//	valet_calls_waiting_limit        for a slot of either class, and in each lane
//	valet_calls_pressure             1 while the backend reports pressure
//	valet_slots_taken
//	valet_slots
//	valet_calls_started_total        admitted
//	valet_calls_refused_total        with ErrOverloaded or ErrClosed
//	valet_calls_cancelled_total
//	valet_calls_panicked_total
//	valet_callbacks_undelivered_total
//
// An adapter that is a view of another's backend, or whose backend was made from
// another's, is counted by that already, and would be counted twice. It panics
// without an adapter, or with a nil one. The adapters may be closed at any time.
func NewCollector(adapters ...*adapter.Adapter) prometheus.Collector {
	if len(adapters) == 0 {
		panic("promadapter: NewCollector needs an adapter")
	}
	for _, a := range adapters {
		if a == nil {
			panic("promadapter: NewCollector needs an adapter, not nil")
		}
	}
	return collector(slices.Clone(adapters))
}

// collector has at least one adapter.
type collector []*adapter.Adapter

// metric is a number of each backend's.
type metric struct {
	desc   *prometheus.Desc
	kind   prometheus.ValueType
	labels []string // values of the labels but backend
	of     func(*adapter.Stats) float64
}

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("valet_"+name, help, append([]string{"backend"}, labels...), nil)
}

func gauge(name, help string, of func(*adapter.Stats) int) metric {
	return metric{describe(name, help), prometheus.GaugeValue, nil, func(s *adapter.Stats) float64 { return float64(of(s)) }}
}

func counter(name, help string, of func(*adapter.Stats) uint64) metric {
	return metric{describe(name, help), prometheus.CounterValue, nil, func(s *adapter.Stats) float64 { return float64(of(s)) }}
}

func slots(desc *prometheus.Desc, class string, of func(*adapter.Stats) int) metric {
	return metric{desc, prometheus.GaugeValue, []string{class}, func(s *adapter.Stats) float64 { return float64(of(s)) }}
}

var (
	slotsTaken = describe("slots_taken", "Slots in use.", "class")
	slotsLimit = describe("slots", "Slots that there are.", "class")
)

var metrics = []metric{
	gauge("calls_running", "Bodies of calls that have not returned, held, long and abandoned ones included.",
		func(s *adapter.Stats) int { return s.Running }),
	gauge("calls_abandoned", "Bodies that have not returned and whose calls have ended.",
		func(s *adapter.Stats) int { return s.Abandoned }),
	gauge("calls_waiting", "Calls that wait for a slot, or for their turn in a lane.",
		func(s *adapter.Stats) int { return s.Waiting }),
	gauge("calls_waiting_limit", "How many calls may wait, short and long ones each, and in each lane.",
		func(s *adapter.Stats) int { return s.MaxQueue }),
	gauge("calls_pressure", "How many backends report pressure: 1 or 0, if names are not shared.",
		func(s *adapter.Stats) int {
			if s.Pressure {
				return 1
			}
			return 0
		}),
	slots(slotsTaken, "short", func(s *adapter.Stats) int { return s.Slots }),
	slots(slotsTaken, "long", func(s *adapter.Stats) int { return s.LongSlots }),
	slots(slotsLimit, "short", func(s *adapter.Stats) int { return s.MaxSlots }),
	slots(slotsLimit, "long", func(s *adapter.Stats) int { return s.MaxLongSlots }),
	counter("calls_started_total", "Calls that were admitted.",
		func(s *adapter.Stats) uint64 { return s.Started }),
	counter("calls_refused_total", "Calls that were refused, because of overload or after Close.",
		func(s *adapter.Stats) uint64 { return s.Refused }),
	counter("calls_cancelled_total", "Calls that were cancelled, whatever became of them.",
		func(s *adapter.Stats) uint64 { return s.Cancelled }),
	counter("calls_panicked_total", "Calls whose bodies panicked.",
		func(s *adapter.Stats) uint64 { return s.Panicked }),
	counter("callbacks_undelivered_total", "Callbacks that were lost because their executor was closed.",
		func(s *adapter.Stats) uint64 { return s.Undelivered }),
}

// Describe implements prometheus.Collector.
func (collector) Describe(ch chan<- *prometheus.Desc) {
	for i := range metrics {
		ch <- metrics[i].desc
	}
}

// Collect implements prometheus.Collector.
func (c collector) Collect(ch chan<- prometheus.Metric) {
	sums := map[string][]float64{} // of each of metrics, by backend
	for _, a := range c {
		for _, s := range a.AllStats() {
			name := label(s.Name)
			if sums[name] == nil {
				sums[name] = make([]float64, len(metrics))
			}
			for i := range metrics {
				sums[name][i] += metrics[i].of(&s)
			}
		}
	}
	for name, values := range sums {
		for i := range metrics {
			m := &metrics[i]
			ch <- prometheus.MustNewConstMetric(m.desc, m.kind, values[i], append([]string{name}, m.labels...)...)
		}
	}
}

// label makes a name the value of a label, which must be UTF-8.
func label(name string) string { return strings.ToValidUTF8(name, "\uFFFD") }
