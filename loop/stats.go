package loop

import (
	"math/bits"
	"time"
)

// Stats is what a loop has done since it was made.
type Stats struct {
	Iterations uint64 // see the package doc
	Sleeps     uint64 // iterations that waited
	Wakeups    uint64 // waits that a post, or another call from outside, ended
	Callbacks  uint64 // run: posted ones, timers, handlers; those of a stream's turn as one
	Panics     uint64 // in callbacks
	Stalls     uint64 // callbacks that the watchdog reported
	Handles    int    // registered now

	// BytesRead and BytesWritten are what its Streams moved. Fake sockets
	// count for themselves.
	BytesRead, BytesWritten uint64

	// Lag is how long callbacks that could run waited for the loop: for timers
	// the time since they were due, for posts the time since Post, of the first
	// one of every eighth batch.
	Lag Histogram
}

// Histogram counts durations. Bucket 0 counts those below a microsecond, and
// bucket i those from 2^(i-1) to 2^i µs; the last one has all that is longer.
type Histogram [24]uint64

func (h *Histogram) add(ns int64) {
	us := uint64(max(ns, 0)) / 1000
	h[min(bits.Len64(us), len(h)-1)]++
}

// Count is the number of durations.
func (h *Histogram) Count() (n uint64) {
	for _, c := range h {
		n += c
	}
	return n
}

// Quantile returns an upper bound of the duration that the fraction q of all
// does not exceed, such as 0.99: the upper end of its bucket. It returns 0 if
// there is none.
func (h *Histogram) Quantile(q float64) time.Duration {
	rank, seen := q*float64(h.Count()), 0.0
	for i, c := range h {
		if seen += float64(c); c > 0 && seen >= rank {
			return time.Microsecond << i
		}
	}
	return 0
}

// publishEvery is how many iterations may pass before a busy loop makes its
// counts visible; it does so before each sleep.
const publishEvery = 64

// Stats returns the counts. Any goroutine; does not wait for the loop. What a
// busy loop counted in its last 64 iterations may be missing, unless Stats is
// called on the loop, or after Close.
func (l *Loop) Stats() Stats {
	if l.OnLoop() {
		l.publish()
	}
	l.statsMu.Lock()
	s := l.published
	l.statsMu.Unlock()
	s.Handles = l.handlers.count()
	s.Stalls = l.watchdog.stalls.Load()
	return s
}

// publish makes the counts visible. On the loop.
func (l *Loop) publish() {
	l.statsMu.Lock()
	l.published = l.counts
	l.statsMu.Unlock()
}

// moved counts bytes that went through a socket. On the loop.
func (l *Loop) moved(read, written int) {
	l.counts.BytesRead += uint64(read)
	l.counts.BytesWritten += uint64(written)
}

// began counts a callback that is about to run. On the loop.
func (l *Loop) began() {
	l.counts.Callbacks++
	l.watchdog.note()
}

// epoch is the origin of the monotonic time that the loop counts in.
var epoch = time.Now()

// now is the time since epoch, in nanoseconds.
func now() int64 { return int64(time.Since(epoch)) }
