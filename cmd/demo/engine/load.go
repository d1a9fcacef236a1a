package engine

import (
	"fmt"
	"time"

	"github.com/valet-go/valet/loop"
)

// Patience is how long the load goes on when nobody has looked.
const Patience = 10 * time.Second

// What the load is.
const (
	calmClients = 8
	overClients = 80
	askEvery    = 200 * time.Millisecond // each client
	beatEvery   = 50 * time.Millisecond
	slowQuery   = 100 // ms
	sampleEvery = 250 * time.Millisecond
	window      = 2 * time.Second // that figures of queries are of
	beatWindow  = time.Second     // and of heartbeats
	kept        = 240             // samples: a minute
)

// switches are what the page can turn on.
type switches struct {
	Slow     bool `json:"slow"`
	Overload bool `json:"overload"`
}

func (s switches) clients() int {
	if s.Overload {
		return overClients
	}
	return calmClients
}

// load asks all lanes the same, and keeps their figures. All of it belongs to
// its loop.
type load struct {
	loop  *loop.Loop
	lanes []*driven
	valet *valet

	switches
	watched time.Time     // when somebody looked last
	ticker  *loop.Timer   // nil: nobody looks
	samples []sample      // the last ones
	numbers int           // samples so far
	lag     time.Duration // that the last probe of Valet's loop has found
}

// driven is a lane under load.
type driven struct {
	*lane
	askers   []*asker
	beat     *asker
	outcomes []outcome // of queries, in the window
	beats    []outcome // of heartbeats, in beatWindow
	since    time.Time // when its load began
}

// outcome is an answer.
type outcome struct {
	at     time.Time
	took   time.Duration
	status int
}

// look is called when somebody looks: the load runs.
func (l *load) look() {
	l.watched = time.Now()
	if l.ticker != nil {
		return
	}
	l.ticker = l.loop.Every(sampleEvery, l.tick)
	for _, d := range l.lanes {
		d.since = time.Now()
		d.beat = &asker{loop: l.loop, addr: d.addr, every: beatEvery, path: func() string { return "/beat" }, told: d.beaten}
		d.beat.start(0)
		l.resize(d)
	}
}

// rest ends the load. Whoever looks next begins as calmly as the first.
func (l *load) rest() {
	if l.ticker == nil {
		return
	}
	l.ticker.Stop()
	l.ticker, l.switches, l.samples = nil, switches{}, nil
	for _, d := range l.lanes {
		d.beat.stop()
		for _, a := range d.askers {
			a.stop()
		}
		d.askers, d.outcomes, d.beats = nil, nil, nil
	}
}

// turn sets the switches.
func (l *load) turn(to switches) {
	l.look()
	l.switches = to
	for _, d := range l.lanes {
		l.resize(d)
	}
}

// resize gives a lane as many clients as the switches say.
func (l *load) resize(d *driven) {
	want := l.clients()
	for len(d.askers) > want {
		last := len(d.askers) - 1
		d.askers[last].stop()
		d.askers = d.askers[:last]
	}
	for i := len(d.askers); i < want; i++ {
		a := &asker{loop: l.loop, addr: d.addr, every: askEvery, path: l.query, told: d.answered}
		a.start(time.Duration(i) * askEvery / time.Duration(want))
		d.askers = append(d.askers, a)
	}
}

// query is what clients ask for.
func (l *load) query() string {
	if l.Slow {
		return fmt.Sprintf("/query?ms=%d", slowQuery)
	}
	return "/query?ms=0"
}

func (l *load) tick() {
	now := time.Now()
	if now.Sub(l.watched) > Patience {
		l.rest()
		return
	}
	l.probe()
	l.samples = append(l.samples, l.sample(now))
	if len(l.samples) > kept {
		l.samples = l.samples[1:]
	}
}

// probe finds out how long a callback waits for Valet's loop.
func (l *load) probe() {
	posted := time.Now()
	_ = l.valet.loop.Post(func() { // else everything ends
		lag := time.Since(posted)
		_ = l.loop.Post(func() { l.lag = lag })
	})
}

// answered hears of a query's answer.
func (d *driven) answered(status int, took time.Duration) {
	d.outcomes = append(d.outcomes, outcome{time.Now(), took, status})
}

// beaten hears of a heartbeat's.
func (d *driven) beaten(status int, took time.Duration) {
	d.beats = append(d.beats, outcome{time.Now(), took, status})
}
