package sequence

import (
	"fmt"
	"math"
	"time"
)

// The time axis. In a call some spans are a thousand times longer than others,
// so a gap between two events is a row, which has room for a text, and grows by
// stretch for each tenfold beyond unit. From broken on the axis shows a break.
const (
	rowHeight = 46.0
	stretch   = 26.0
	unit      = 10 * time.Microsecond
	broken    = time.Millisecond
)

// height is that of a gap.
func height(gap time.Duration) float64 {
	return rowHeight + stretch*max(0, math.Log10(float64(gap)/float64(unit)))
}

// heights returns where each event is, and where the last one's row ends.
func heights(events []Event, top float64) (at []float64, bottom float64) {
	y := top
	for i, e := range events {
		if i > 0 {
			y += height(e.At.Sub(events[i-1].At))
		}
		at = append(at, y)
	}
	return at, y + rowHeight
}

// micros is a duration for people.
func micros(d time.Duration) string {
	if d < broken {
		return fmt.Sprintf("%d µs", d.Microseconds())
	}
	return fmt.Sprintf("%.2f ms", float64(d.Microseconds())/1e3)
}
