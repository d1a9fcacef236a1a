package main

import (
	"fmt"
	"io"
	"text/tabwriter"
)

// publish prints the tables, and writes the JSON file if one was asked for.
func publish(cfg config, results []result, out io.Writer) error {
	for _, r := range results {
		if err := writeTable(out, cfg, r); err != nil {
			return err
		}
	}
	if cfg.json == "" {
		return nil
	}
	return writeJSON(cfg.json, newDocument(cfg, results))
}

// writeTable prints one cell: medians per path, then each path against each
// other one.
func writeTable(out io.Writer, cfg config, r result) error {
	over := ""
	if cfg.tls {
		over = " over TLS"
	}
	fmt.Fprintf(out, "\n%s%s, %s (-pairs %d, medians)\n\n", cfg.driver, over, r.cell, len(r.rounds))
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "path\tops/s\tCPU µs/op\tp50 µs\tp99 µs\tallocs/op\tpeak RSS MiB\t")
	for _, path := range cfg.paths {
		m := medians(r.rounds, path)
		fmt.Fprintf(t, "%s\t%.0f\t%s\t%.0f\t%.0f\t%.1f\t%s\t\n", path, m.OpsPerSec,
			unless(m.CPU < 0, "%.2f", m.CPU), m.P50, m.P99, m.Allocs,
			unless(m.PeakRSS == 0, "%.1f", float64(m.PeakRSS)/(1<<20)))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if len(cfg.paths) < 2 {
		return nil
	}
	if err := writeRatios(out, "ops/s", cfg.paths, func(path, base string) float64 {
		throughput, _ := compare(r.rounds, path, base)
		return throughput
	}); err != nil {
		return err
	}
	return writeRatios(out, "CPU/op", cfg.paths, func(path, base string) float64 {
		_, cpu := compare(r.rounds, path, base)
		return cpu
	})
}

// writeRatios prints a matrix of the row's path relative to the column's.
func writeRatios(out io.Writer, quantity string, paths []string, ratio func(path, base string) float64) error {
	fmt.Fprintf(out, "\n%s relative to\n", quantity)
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	for _, base := range paths {
		fmt.Fprintf(t, "\t%s", base)
	}
	fmt.Fprintln(t, "\t")
	for _, path := range paths {
		fmt.Fprint(t, path)
		for _, base := range paths {
			x := ratio(path, base)
			fmt.Fprintf(t, "\t%s", unless(x == 0 || path == base, "%.2f", x))
		}
		fmt.Fprintln(t, "\t")
	}
	return t.Flush()
}

// unless formats a value, or gives a dash if it is not known.
func unless(unknown bool, format string, value float64) string {
	if unknown {
		return "–"
	}
	return fmt.Sprintf(format, value)
}
