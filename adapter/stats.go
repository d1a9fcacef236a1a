package adapter

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// Stats is what a backend is doing, and has done since it was made.
type Stats struct {
	Name string

	// Now:
	Running   int // bodies that have not returned, held, long and abandoned ones included
	Abandoned int // of these, those whose calls have ended
	Waiting   int // calls that wait for a slot or for their turn in a lane
	Slots     int // taken, by short calls
	LongSlots int // taken, by long calls
	Pressure  bool

	// Since it was made:
	Started     uint64 // calls admitted
	Refused     uint64 // calls refused with ErrOverloaded or ErrClosed
	Cancelled   uint64 // calls that were cancelled, whatever became of them
	Panicked    uint64 // bodies that panicked
	Undelivered uint64 // callbacks lost because their executor was closed

	// As configured:
	MaxSlots, MaxLongSlots, MaxQueue int
}

// counts is guarded by the backend's mutex.
type counts struct {
	started, refused, cancelled, panicked uint64
	abandoned                             int
}

// Stats returns what the backend is doing and has done. Any goroutine; does not
// block.
func (a *Adapter) Stats() Stats { return a.b.stats() }

// AllStats returns the Stats of the backend, and of those made from it that are
// not closed, by name. Any goroutine; does not block.
func (a *Adapter) AllStats() []Stats {
	var all []Stats
	a.b.each(func(b *backend) { all = append(all, b.stats()) })
	slices.SortStableFunc(all[1:], func(x, y Stats) int { return cmp.Compare(x.Name, y.Name) })
	return all
}

func (b *backend) stats() Stats {
	b.mu.Lock()
	defer b.mu.Unlock()
	return Stats{
		Name:    b.name,
		Running: b.live.len + b.abandoned.len, Abandoned: b.counts.abandoned, Waiting: b.waitingLocked(),
		Slots: b.lines[short].taken, LongSlots: b.lines[long].taken, Pressure: b.pressure.high,
		Started: b.counts.started, Refused: b.counts.refused, Cancelled: b.counts.cancelled, Panicked: b.counts.panicked,
		Undelivered: b.undelivered.Load(),
		MaxSlots:    b.settings.slots, MaxLongSlots: b.settings.long, MaxQueue: b.settings.queue,
	}
}

func (b *backend) countPanic() {
	b.mu.Lock()
	b.counts.panicked++
	b.mu.Unlock()
}

// each calls f with b and all backends made from it.
func (b *backend) each(f func(*backend)) {
	f(b)
	b.mu.Lock()
	children := slices.Collect(maps.Keys(b.children))
	b.mu.Unlock()
	for _, child := range children {
		child.each(f)
	}
}

// epoch makes the process's monotonic clock a number.
var epoch = time.Now()

// now is in ns since epoch.
func now() int64 { return int64(time.Since(epoch)) }
