package loop

import (
	"bytes"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// defaultStall is the watchdog's limit where WithWatchdog says nothing.
const defaultStall = time.Second

// looks is how many there are in one limit.
const looks = 4

// watchdog reports a callback that runs for too long, while it runs.
//
// It looks four times in each limit, on a goroutine of its own, made by a
// timer. The loop only counts its iterations for it; once the watchdog has seen
// the callbacks of the same iteration twice it asks the loop to count callbacks
// as well, and reports when their number stays the same for the limit, and for
// four looks: if the whole process stood still, that was no callback's doing.
// While the loop waits the timer is not armed, so that an idle loop costs
// nothing.
//
//	state     to        who and when
//	off       watching  the loop starts to run
//	watching  dozing    a look finds the loop where it was, polling
//	dozing    watching  the loop has polled
//	any       off       the loop ends its run
type watchdog struct {
	limit  time.Duration // 0: none
	log    *slog.Logger
	pulse  atomic.Uint64 // twice the iterations; odd while the loop polls or waits
	asked  atomic.Bool   // whether to count callbacks
	beat   atomic.Uint64 // callbacks, while asked
	dozing atomic.Bool
	stalls atomic.Uint64

	mu        sync.Mutex // guards the rest
	timer     *time.Timer
	goroutine uint64 // the loop's, as its stack names it; 0: off
	pulseSeen uint64
	beatSeen  uint64
	since     time.Time     // when beatSeen was first seen
	sights    int           // and how often since then
	nextAfter time.Duration // running for so long is reported next
}

// note is called for each callback. On the loop.
func (w *watchdog) note() {
	if w.asked.Load() {
		w.beat.Add(1)
	}
}

// polling is called before each poll. On the loop.
func (w *watchdog) polling() { w.pulse.Store(w.pulse.Load() | 1) }

// polled is called after each poll. On the loop.
func (w *watchdog) polled() {
	w.pulse.Store((w.pulse.Load() | 1) + 1)
	if w.dozing.Load() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.dozing.Store(false)
		if w.goroutine != 0 {
			w.timer.Reset(w.limit / looks)
		}
	}
}

// start is called by the goroutine that is about to run the loop.
func (w *watchdog) start() {
	if w.limit == 0 {
		return
	}
	id := goroutineID()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.goroutine = id
	w.asked.Store(false)
	w.dozing.Store(false)
	if w.timer == nil {
		w.timer = time.AfterFunc(w.limit/looks, w.look)
		return
	}
	w.timer.Reset(w.limit / looks)
}

// stop is called when the loop no longer runs.
func (w *watchdog) stop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.goroutine = 0
	if w.timer != nil {
		w.timer.Stop()
	}
}

func (w *watchdog) look() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.goroutine == 0 {
		return
	}
	pulse, beat := w.pulse.Load(), w.beat.Load()
	switch {
	case pulse != w.pulseSeen:
		w.asked.Store(false)
	case pulse&1 != 0:
		w.dozing.Store(true)
		if w.pulse.Load() == pulse { // else the loop may not have seen it
			return
		}
		w.dozing.Store(false)
	case !w.asked.Load() || beat != w.beatSeen:
		w.asked.Store(true)
		w.since, w.nextAfter, w.sights = time.Now(), w.limit, 0
	default:
		w.sights++
		if ran := time.Since(w.since); ran >= w.nextAfter && w.sights >= looks {
			w.report(ran)
		}
	}
	w.pulseSeen, w.beatSeen = pulse, beat
	w.timer.Reset(w.limit / looks)
}

// report logs the callback that runs, again each time it has run twice as long.
func (w *watchdog) report(ran time.Duration) {
	if w.nextAfter == w.limit {
		w.stalls.Add(1)
	}
	w.nextAfter = 2 * ran
	stack := stackOf(w.goroutine)
	// It may have ended while the stack was taken.
	if w.beat.Load() != w.beatSeen || w.pulse.Load() != w.pulseSeen {
		return
	}
	w.log.Warn("loop: a callback blocks the event loop",
		"running", ran.Round(time.Millisecond), "limit", w.limit, "stack", string(stack))
}

// maxStacks bounds the memory for the stacks of all goroutines, of which the
// loop's is one.
const maxStacks = 64 << 20

// stackOf returns the stack of another goroutine, wherever it is, or what could
// be had of it.
func stackOf(goroutine uint64) []byte {
	head := fmt.Appendf(nil, "goroutine %d ", goroutine)
	for size := 64 << 10; ; size *= 4 {
		buf := make([]byte, size)
		n := runtime.Stack(buf, true)
		all := buf[:n]
		for len(all) > 0 {
			one, rest, _ := bytes.Cut(all, []byte("\n\n"))
			if bytes.HasPrefix(one, head) && (len(rest) > 0 || n < size || size >= maxStacks) {
				return one
			}
			all = rest
		}
		if n < size || size >= maxStacks {
			return []byte("(not found among all stacks)")
		}
	}
}

// goroutineID is the number by which stacks name the calling goroutine.
func goroutineID() (id uint64) {
	var buf [64]byte
	fmt.Sscanf(string(buf[:runtime.Stack(buf[:], false)]), "goroutine %d ", &id)
	return id
}
