package main

// figure is a quantity of a sample as it is printed.
type figure struct {
	heading string // of its column
	ratio   string // of its table of ratios
	format  string
	// of returns the quantity, and whether it is known.
	of func(s sample) (value float64, known bool)
}

// text formats a figure of a sample, or gives a dash if it is not known.
func (f figure) text(s sample) string {
	value, known := f.of(s)
	return unless(!known, f.format, value)
}

// perSecond is the throughput, under the name that the operations have.
func perSecond(heading string) figure {
	return figure{heading, heading, "%.0f", func(s sample) (float64, bool) { return s.OpsPerSec, s.OpsPerSec > 0 }}
}

func cpuPer(unit, format string) figure {
	return figure{"CPU µs/" + unit, "CPU/" + unit, format, func(s sample) (float64, bool) { return s.CPU, s.CPU >= 0 }}
}

func allocsPer(unit string) figure {
	return always("allocs/"+unit, "%.1f", func(s sample) float64 { return s.Allocs })
}

var (
	p50 = always("p50 µs", "%.0f", func(s sample) float64 { return s.P50 })
	p99 = always("p99 µs", "%.0f", func(s sample) float64 { return s.P99 })
	rss = figure{"peak RSS MiB", "peak RSS", "%.1f", func(s sample) (float64, bool) {
		return float64(s.PeakRSS) / (1 << 20), s.PeakRSS > 0
	}}
)

// always is a figure that is known on every system.
func always(heading, format string, of func(sample) float64) figure {
	return figure{heading, heading, format, func(s sample) (float64, bool) { return of(s), true }}
}
