package debughttp

import (
	"cmp"
	"net"
	"slices"
	"time"

	"github.com/valet-go/valet/adapter"
)

// snapshot is what is served, on the page and as JSON; see the package doc.
type snapshot struct {
	Time     time.Time `json:"time"`
	Backends []backend `json:"backends"`
	Calls    []call    `json:"calls"`
	Unlisted int       `json:"waiting_not_listed"`
}

type backend struct {
	Name     string `json:"name"`
	Pressure bool   `json:"pressure"`

	Running   int `json:"running"`
	Abandoned int `json:"abandoned"`
	Waiting   int `json:"waiting"`

	SlotsTaken     int `json:"slots_taken"`
	Slots          int `json:"slots"`
	LongSlotsTaken int `json:"long_slots_taken"`
	LongSlots      int `json:"long_slots"`
	QueueLimit     int `json:"queue_limit"`

	Started     uint64 `json:"started"`
	Refused     uint64 `json:"refused"`
	Cancelled   uint64 `json:"cancelled"`
	Panicked    uint64 `json:"panicked"`
	Undelivered uint64 `json:"undelivered"`
}

type call struct {
	Backend   string  `json:"backend"`
	Name      string  `json:"name"`
	State     string  `json:"state"`
	Age       seconds `json:"age_seconds"`
	Held      bool    `json:"held"`
	Long      bool    `json:"long"`
	Abandoned bool    `json:"abandoned"`
	Goroutine uint64  `json:"goroutine,omitempty"`
	Parked    *parked `json:"parked,omitempty"`
}

type parked struct {
	Op     string  `json:"op"`
	Local  string  `json:"local,omitempty"`
	Remote string  `json:"remote,omitempty"`
	For    seconds `json:"seconds"`
}

// seconds is a duration.
type seconds float64

// String is short, for people.
func (s seconds) String() string {
	d := time.Duration(float64(s) * float64(time.Second))
	switch {
	case d >= time.Minute:
		d = d.Round(time.Second)
	case d >= time.Second:
		d = d.Round(10 * time.Millisecond)
	case d >= time.Millisecond:
		d = d.Round(10 * time.Microsecond)
	default:
		d = d.Round(time.Microsecond)
	}
	return d.String()
}

// take asks the adapters. waiting is as for [adapter.Adapter.Calls].
func (h handler) take(waiting int) snapshot {
	var stats []adapter.Stats
	var calls []adapter.CallInfo
	for _, a := range h {
		stats = append(stats, a.AllStats()...)
		calls = append(calls, a.Calls(waiting)...)
	}
	return newSnapshot(time.Now(), stats, calls)
}

func newSnapshot(at time.Time, stats []adapter.Stats, calls []adapter.CallInfo) snapshot {
	s := snapshot{Time: at.UTC(), Backends: make([]backend, len(stats)), Calls: make([]call, len(calls))}
	for i := range stats {
		s.Backends[i] = newBackend(&stats[i])
		s.Unlisted += stats[i].Waiting
	}
	slices.SortStableFunc(calls, func(x, y adapter.CallInfo) int {
		return cmp.Or(cmp.Compare(waits(x), waits(y)), cmp.Compare(y.Age, x.Age))
	})
	for i := range calls {
		s.Calls[i] = newCall(&calls[i])
		s.Unlisted -= waits(calls[i])
	}
	s.Unlisted = max(s.Unlisted, 0) // the two were asked one after another
	return s
}

// waits is 1 for a call that waits, and 0 for others.
func waits(c adapter.CallInfo) int {
	if c.State == adapter.Waiting {
		return 1
	}
	return 0
}

func newBackend(s *adapter.Stats) backend {
	return backend{
		Name: s.Name, Pressure: s.Pressure,
		Running: s.Running, Abandoned: s.Abandoned, Waiting: s.Waiting,
		SlotsTaken: s.Slots, Slots: s.MaxSlots, LongSlotsTaken: s.LongSlots, LongSlots: s.MaxLongSlots, QueueLimit: s.MaxQueue,
		Started: s.Started, Refused: s.Refused, Cancelled: s.Cancelled, Panicked: s.Panicked, Undelivered: s.Undelivered,
	}
}

func newCall(c *adapter.CallInfo) call {
	to := call{
		Backend: c.Backend, Name: c.Name, State: c.State.String(), Age: seconds(c.Age.Seconds()),
		Held: c.Held, Long: c.Long, Abandoned: c.Abandoned, Goroutine: c.Goroutine,
	}
	if p := c.Parked; p != nil {
		to.Parked = &parked{p.Op, text(p.Local), text(p.Remote), seconds(p.For.Seconds())}
	}
	return to
}

func text(a net.Addr) string {
	if a == nil {
		return ""
	}
	return a.String()
}
