package engine

import (
	"encoding/json"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/valet-go/valet/loop"
)

// onLoad runs f on the load's loop.
func (e *Engine) onLoad(t *testing.T, f func(*load)) {
	t.Helper()
	ended := make(chan struct{})
	if err := e.loop.Post(func() {
		defer close(ended)
		f(e.load)
	}); err != nil {
		t.Fatal(err)
	}
	<-ended
}

// seen polls the page's state until it is as wanted.
func seen(t *testing.T, url string, as func(state) bool) state {
	t.Helper()
	client := asking(t)
	for {
		a := get(client, url+"/engine/state?since=0")
		a.want(t, "the state", http.StatusOK, "")
		var s state
		if err := json.Unmarshal([]byte(a.body), &s); err != nil {
			t.Fatal(err)
		}
		if as(s) {
			return s
		}
		if t.Failed() || t.Context().Err() != nil {
			t.Fatalf("it came to %s", a.body)
		}
	}
}

// last is the sample that was taken last, or one without lanes.
func (s state) last() sample {
	if len(s.Samples) == 0 {
		return sample{Lanes: make([]figures, len(names))}
	}
	return s.Samples[len(s.Samples)-1]
}

func TestLoadAsksEachLane(t *testing.T) {
	e := opened(t, startMySQL(t), sleep)
	s := seen(t, served(t, e), func(s state) bool {
		for _, f := range s.last().Lanes {
			if f.Rate == 0 || f.P50 == 0 || f.P99 < f.P50 || f.Beat == 0 {
				return false
			}
		}
		return true
	})
	for i, f := range s.last().Lanes {
		if f.Refused != 0 || f.Failed != 0 {
			t.Errorf("%s: %+v", names[i], f)
		}
	}
	if s.Switches != (switches{}) {
		t.Errorf("it begins with %+v", s.Switches)
	}
	for i, sm := range s.Samples {
		if sm.N != s.Samples[0].N+i {
			t.Errorf("sample %d has the number %d", i, sm.N)
		}
	}
}

func TestOverloadIsRefusedAndCountedInValetsLaneAlone(t *testing.T) {
	my := startMySQL(t)
	g := newGate(t, my)
	defer g.release()
	e := opened(t, my, g.query)
	url := served(t, e)
	do(asking(t), http.MethodPost, url+"/engine/switches", "application/json", `{"slow": true, "overload": true}`).
		want(t, "the switches", http.StatusOK, `{"slow":true,"overload":true}`)
	s := seen(t, url, func(s state) bool {
		now := s.last()
		return now.Lanes[2].Refused > 0 && now.Valet.Refused > 0 && now.Lanes[1].Busy == overClients && now.Lanes[2].Busy == conns
	})
	for i := range 2 {
		if s.last().Lanes[i].Refused > 0 {
			t.Errorf("the %s lane has refused something", names[i])
		}
	}
}

func TestLoadEndsWhenNobodyLooks(t *testing.T) {
	e := opened(t, startMySQL(t), sleep)
	e.onLoad(t, func(l *load) {
		if l.ticker != nil {
			t.Error("it runs before anybody has looked")
		}
		l.turn(switches{Slow: true, Overload: true})
		if len(l.lanes[0].askers) != overClients || l.ticker == nil {
			t.Errorf("%d clients", len(l.lanes[0].askers))
		}
		l.tick()
		if len(l.samples) != 1 {
			t.Errorf("%d samples", len(l.samples))
		}
		l.watched = time.Now().Add(-Patience - time.Second)
		l.tick()
		if l.ticker != nil || l.samples != nil || l.switches != (switches{}) || l.lanes[2].askers != nil || !l.lanes[1].beat.gone {
			t.Error("it goes on")
		}
		l.look()
		if l.ticker == nil || len(l.lanes[2].askers) != calmClients {
			t.Error("it does not begin again")
		}
		l.turn(switches{Overload: true})
		l.turn(switches{})
		if len(l.lanes[1].askers) != calmClients {
			t.Errorf("%d clients are left", len(l.lanes[1].askers))
		}
	})
}

func TestFiguresAreOfTheWindow(t *testing.T) {
	now := time.Now()
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	d := &driven{
		lane:  &lane{busy: func() int { return 3 }},
		since: ago(time.Hour),
		beat:  &asker{sent: ago(700 * time.Millisecond)},
		askers: []*asker{
			{},
			{sent: ago(4 * time.Second)}, // waits longer than the window
		},
		outcomes: []outcome{
			{ago(window + time.Millisecond), time.Hour, http.StatusOK},
			{ago(time.Second), 10 * time.Millisecond, http.StatusOK},
			{ago(time.Second), 20 * time.Millisecond, http.StatusOK},
			{ago(time.Second), time.Millisecond, http.StatusServiceUnavailable},
			{ago(time.Second), 0, 0},
			{ago(time.Second), time.Millisecond, http.StatusInternalServerError},
		},
		beats: []outcome{{ago(time.Millisecond), time.Millisecond, http.StatusOK}},
	}
	want := figures{Rate: 1, Refused: 0.5, Failed: 2, P50: 20, P99: 4000, Beat: 700, Busy: 3}
	if got := d.figures(now); got != want {
		t.Errorf("got %+v; want %+v", got, want)
	}
	d.beat.sent = time.Time{}
	if got := d.figures(now).Beat; got != 1 {
		t.Errorf("the heartbeat is %v ms", got)
	}
	if got := (&driven{lane: d.lane, beat: &asker{}, since: now.Add(-time.Second)}).figures(now); got != (figures{Busy: 3}) {
		t.Errorf("without anything: %+v", got)
	}
}

func TestAskersNoticeServersThatAreNone(t *testing.T) {
	l, err := loop.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for name, answer := range map[string]string{
		"hangs up":     "",
		"no HTTP":      "hello\r\n\r\n",
		"no length":    "HTTP/1.1 200 OK\r\n\r\n",
		"half a body":  "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello",
		"half a head":  "HTTP/1.1 200 OK\r\nContent-Le",
		"endless head": "HTTP/1.1 200 OK\r\nX: " + string(make([]byte, 2*maxHead)),
	} {
		t.Run(name, func(t *testing.T) {
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer ln.Close()
			go func() {
				c, err := ln.Accept()
				if err != nil {
					t.Error(err)
					return
				}
				c.Write([]byte(answer))
				c.Close()
			}()
			told := make(chan int, 1)
			stopped := make(chan struct{})
			a := &asker{loop: l, addr: ln.Addr().String(), every: time.Hour, path: func() string { return "/" }, told: func(status int, _ time.Duration) { told <- status }}
			l.Post(func() { a.start(0) })
			if status := <-told; status != 0 {
				t.Errorf("it is told of status %d", status)
			}
			l.Post(func() {
				a.stop()
				close(stopped)
			})
			<-stopped
		})
	}
}
