package fakesock

import "time"

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
	return max(int64(t.Sub(epoch)), 1)
}
