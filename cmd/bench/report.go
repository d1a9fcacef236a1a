package main

import (
	"fmt"
	"io"
	"text/tabwriter"
)

// publish prints the tables, and writes the files that were asked for.
func publish(cfg config, results []result, out io.Writer) error {
	for _, r := range results {
		if err := writeTable(out, cfg, r); err != nil {
			return err
		}
	}
	if cfg.chart != "" {
		if err := draw(cfg, results).write(cfg.chart); err != nil {
			return err
		}
		fmt.Fprintf(out, "\ndrawn into %s\n", cfg.chart)
	}
	if cfg.json == "" {
		return nil
	}
	return writeJSON(cfg.json, newDocument(cfg, results))
}

// writeTable prints one cell: medians per side, then each side against each
// other one.
func writeTable(out io.Writer, cfg config, r result) error {
	m := measures[cfg.driver]
	sides := sidesOf(cfg, r.cell)
	over := ""
	if cfg.tls {
		over = " over TLS"
	}
	fmt.Fprintf(out, "\n%s%s, %s (-pairs %d, medians)\n\n", cfg.driver, over, describe(cfg, r.cell), len(r.rounds))
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(t, "path")
	for _, f := range m.columns {
		fmt.Fprintf(t, "\t%s", f.heading)
	}
	fmt.Fprintln(t, "\t")
	for _, s := range sides {
		fmt.Fprint(t, s)
		middle := medians(r.rounds, s.String())
		for _, f := range m.columns {
			fmt.Fprintf(t, "\t%s", f.text(middle))
		}
		fmt.Fprintln(t, "\t")
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if len(sides) < 2 {
		return nil
	}
	for _, f := range m.ratios {
		if err := writeRatios(out, f, sides, r.rounds); err != nil {
			return err
		}
	}
	return nil
}

// writeRatios prints a matrix of the row's side relative to the column's.
func writeRatios(out io.Writer, f figure, sides []side, rounds []round) error {
	fmt.Fprintf(out, "\n%s relative to\n", f.ratio)
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	for _, base := range sides {
		fmt.Fprintf(t, "\t%s", base)
	}
	fmt.Fprintln(t, "\t")
	for _, s := range sides {
		fmt.Fprint(t, s)
		for _, base := range sides {
			text := "–"
			if s != base {
				text = compare(rounds, s.String(), base.String(), f).String()
			}
			fmt.Fprintf(t, "\t%s", text)
		}
		fmt.Fprintln(t, "\t")
	}
	return t.Flush()
}

// String is the median with, where there was more than one round, the least and
// the greatest ratio; or a dash if none is known.
func (s spread) String() string {
	if s.n < 2 {
		return unless(s.n == 0, "%.2f", s.median)
	}
	return fmt.Sprintf("%.2f (%.2f–%.2f)", s.median, s.least, s.most)
}

// unless formats a value, or gives a dash if it is not known.
func unless(unknown bool, format string, value float64) string {
	if unknown {
		return "–"
	}
	return fmt.Sprintf(format, value)
}
