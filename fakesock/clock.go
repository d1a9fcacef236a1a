package fakesock

import (
	"math"
	"time"
)

// epoch is the origin of the monotonic time in which deadlines, and what is
// parked, are kept.
var epoch = time.Now()

func now() int64 { return int64(time.Since(epoch)) }

// timeAt is the inverse of deadlineAt.
func timeAt(at int64) time.Time {
	if at == 0 {
		return time.Time{}
	}
	return epoch.Add(time.Duration(at))
}

// deadlineAt converts t; a time in the past becomes one that has passed, and
// the zero time 0, which is no deadline.
func deadlineAt(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	if t == t.Round(0) { // a time of the wall clock, which may have been set since epoch
		return wallDeadline(now(), time.Until(t))
	}
	return max(int64(t.Sub(epoch)), 1)
}

// wallDeadline is what is left from the time at on, where it cannot overflow.
func wallDeadline(at int64, left time.Duration) int64 {
	return max(at+min(int64(left), math.MaxInt64-at), 1)
}
