// Package promadapter exports to Prometheus what package adapter, and the loops
// under it, are doing. It is a module of its own, so that a program which does
// not import it need not know Prometheus.
//
//	durations := promadapter.NewDurations()
//	a := adapter.New(l, adapter.WithHook(durations.Hook()))
//	prometheus.MustRegister(promadapter.NewCollector(a), promadapter.NewLoopCollector("main", l), durations)
//	http.Handle("/metrics", promhttp.Handler())
//
// [NewCollector] reads the counts of backends when it is scraped, and costs the
// calls nothing. [Durations] measures each call. [NewLoopCollector] says how late
// a loop is.
//
// # Backends of equal names
//
// are one in the metrics: their numbers are added up, since two samples with the
// same labels would fail the scrape. So are names that differ only in bytes that
// are not UTF-8. To tell several adapters apart whose backends have equal names
// (each [adapter.New] calls its own "default"), register a collector for each
// with a label of its own:
//
//	prometheus.WrapRegistererWith(prometheus.Labels{"loop": "front"}, reg).MustRegister(promadapter.NewCollector(front))
//
// # Backends that are closed
//
// are no longer exported, but for those that the adapters themselves are. If one
// of several with equal names is closed, its counts leave the sum, which to
// Prometheus looks like a restart.
//
// # Goroutines
//
// Everything here may be called from any goroutine, and nothing blocks.
package promadapter
