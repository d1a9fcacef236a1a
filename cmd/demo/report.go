package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// report prints the account. It belongs to the goroutine that tells the story,
// and never to the loop, which a slow terminal would block.
type report struct {
	w        io.Writer
	sections int
}

// section begins a numbered section.
func (r *report) section(title string) {
	r.sections++
	fmt.Fprintf(r.w, "\n%d. %s\n", r.sections, title)
}

// line prints one indented line.
func (r *report) line(format string, args ...any) {
	fmt.Fprintf(r.w, "   "+format+"\n", args...)
}

// table prints rows in aligned columns, indented.
func (r *report) table(rows [][]string) {
	t := tabwriter.NewWriter(r.w, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		fmt.Fprintln(t, "   "+strings.Join(row, "\t"))
	}
	t.Flush() // an error would be the terminal's
}

// ms is a duration in milliseconds, readable at a glance.
func ms(d time.Duration) string {
	v := float64(d) / float64(time.Millisecond)
	if v < 10 {
		return fmt.Sprintf("%.2f ms", v)
	}
	return fmt.Sprintf("%.0f ms", v)
}

// percentile returns the value below which the share p of the sorted samples
// lies.
func percentile(sorted []time.Duration, p float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(int(p*float64(len(sorted))), len(sorted)-1)]
}

// spread is the middle, the tail and the worst of samples.
func spread(samples []time.Duration) string {
	s := slices.Sorted(slices.Values(samples))
	return fmt.Sprintf("p50 %s, p99 %s, max %s", ms(percentile(s, 0.5)), ms(percentile(s, 0.99)), ms(percentile(s, 1)))
}

// thousands writes n with a comma between groups of three digits.
func thousands(n int64) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// oneLine is the first line of an error, without its middle if it is long.
func oneLine(err error) string {
	s, _, _ := strings.Cut(fmt.Sprint(err), "\n")
	if runes := []rune(s); len(runes) > 110 {
		s = string(runes[:50]) + " … " + string(runes[len(runes)-57:])
	}
	return s
}
