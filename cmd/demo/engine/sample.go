package engine

import (
	"net/http"
	"slices"
	"time"

	"github.com/valet-go/valet/adapter"
)

// sample is what is seen at a time. Times are in milliseconds, and left out if
// there is none.
type sample struct {
	N     int       `json:"n"`
	Lanes []figures `json:"lanes"`
	Valet inside    `json:"valet"`
}

// figures are a lane's, of the window.
type figures struct {
	Rate    float64 `json:"rate"`    // queries answered, in a second
	Refused float64 `json:"refused"` // in a second
	Failed  int     `json:"failed"`
	// Of the queries that were answered, and of those that wait so far.
	P50  float64 `json:"p50,omitempty"`
	P99  float64 `json:"p99,omitempty"`
	Beat float64 `json:"beat,omitempty"` // the median of heartbeats, or, if that is more, how long one has been out
	Busy int     `json:"busy"`           // goroutines in queries
}

// inside is what only Valet can tell.
type inside struct {
	Running int     `json:"running"`
	Waiting int     `json:"waiting"`
	Refused uint64  `json:"refused"`       // since it began
	Lag     float64 `json:"lag,omitempty"` // how long a callback has waited for the loop
}

// call is one in flight, in Valet's lane.
type call struct {
	Name      string  `json:"name"`
	State     string  `json:"state"`
	Age       float64 `json:"age"`
	Goroutine uint64  `json:"goroutine,omitempty"`
	Op        string  `json:"op,omitempty"` // that it is parked in
	Local     string  `json:"local,omitempty"`
	Remote    string  `json:"remote,omitempty"`
	For       float64 `json:"for,omitempty"`
}

// listed is how many calls that wait for a slot are listed.
const listed = 8

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1e3 }

// sample looks at everything. On the load's loop.
func (l *load) sample(now time.Time) sample {
	l.numbers++
	s := sample{N: l.numbers}
	for _, d := range l.lanes {
		s.Lanes = append(s.Lanes, d.figures(now))
	}
	stats := l.valet.a.Stats()
	s.Valet = inside{stats.Running, stats.Waiting, stats.Refused, ms(l.lag)}
	return s
}

func (d *driven) figures(now time.Time) figures {
	d.outcomes, d.beats = since(now.Add(-window), d.outcomes), since(now.Add(-beatWindow), d.beats)
	f := figures{Busy: d.busy()}
	var took []time.Duration
	answered, refused := 0, 0
	for _, o := range d.outcomes {
		switch o.status {
		case http.StatusOK:
			answered++
			took = append(took, o.took)
		case http.StatusServiceUnavailable:
			refused++
		default:
			f.Failed++
		}
	}
	over := min(now.Sub(d.since), window).Seconds()
	f.Rate, f.Refused = float64(answered)/over, float64(refused)/over
	for _, a := range d.askers {
		if waits, out := a.waits(now); out {
			took = append(took, waits)
		}
	}
	slices.Sort(took)
	f.P50, f.P99 = ms(quantile(took, 0.5)), ms(quantile(took, 0.99))

	var beats []time.Duration
	for _, o := range d.beats {
		if o.status == http.StatusOK {
			beats = append(beats, o.took)
		}
	}
	slices.Sort(beats)
	waits, _ := d.beat.waits(now)
	f.Beat = ms(max(quantile(beats, 0.5), waits))
	return f
}

// since leaves what is not older.
func since(t time.Time, all []outcome) []outcome {
	return slices.DeleteFunc(all, func(o outcome) bool { return o.at.Before(t) })
}

// quantile is of durations in order; 0 if there is none.
func quantile(of []time.Duration, q float64) time.Duration {
	if len(of) == 0 {
		return 0
	}
	return of[min(int(q*float64(len(of))), len(of)-1)]
}

// calls lists what is in flight in Valet's lane. Any goroutine.
func (v *valet) calls() []call {
	all := []call{} // and not null
	for _, c := range v.a.Calls(listed) {
		to := call{Name: c.Name, State: c.State.String(), Age: ms(c.Age), Goroutine: c.Goroutine}
		if c.State == adapter.Waiting {
			to.State = "waits for a connection"
		}
		if p := c.Parked; p != nil {
			to.Op, to.For, to.Local, to.Remote = p.Op, ms(p.For), p.Local.String(), p.Remote.String()
		}
		all = append(all, to)
	}
	return all
}
