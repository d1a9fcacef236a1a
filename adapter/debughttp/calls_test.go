package debughttp

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/valet-go/valet/adapter"
	"github.com/valet-go/valet/fakesock"
)

func TestCallsThatRunAndWaitAreListed(t *testing.T) {
	root := newAdapter(t)
	a := root.Backend("db", adapter.WithSlots(1), adapter.WithQueue(2), adapter.WithWatermarks(0, 2))
	run(t, a, adapter.Name("runs"))
	run(t, a, adapter.Name("holds"), adapter.Held())
	run(t, a, adapter.Name("listens"), adapter.Long())
	start(a, adapter.Name("waits first"))
	start(a, adapter.Name("waits second"))
	start(a, adapter.Name("refused"))

	s := getJSON(t, Handler(root), "/?format=json")
	var names []string
	for _, c := range s.Calls {
		names = append(names, c.Name)
	}
	if got, want := strings.Join(names, ", "), "runs, holds, listens, waits first, waits second"; got != want {
		t.Errorf("listed: %s; want: %s", got, want)
	}
	if c := s.named("runs"); c.Backend != "db" || c.State != "running" || c.Goroutine == 0 || c.Age <= 0 || c.Held || c.Long || c.Abandoned || c.Parked != nil {
		t.Errorf("the call that runs: %+v", c)
	}
	if c := s.named("holds"); !c.Held || c.Long {
		t.Errorf("the held call: %+v", c)
	}
	if c := s.named("listens"); c.Held || !c.Long {
		t.Errorf("the long call: %+v", c)
	}
	if c := s.named("waits first"); c.State != "waiting" || c.Goroutine != 0 {
		t.Errorf("the call that waits: %+v", c)
	}
	if len(s.Backends) != 2 || s.Backends[0].Name != "default" || s.Unlisted != 0 || s.Time.IsZero() {
		t.Errorf("%+v", s)
	}
	want := backend{
		Name: "db", Pressure: true, Running: 3, Waiting: 2, SlotsTaken: 1, Slots: 1, LongSlotsTaken: 1,
		LongSlots: adapter.DefaultLongSlots, QueueLimit: 2, Started: 5, Refused: 1,
	}
	if got := s.Backends[1]; got != want {
		t.Errorf("the backend: %+v, want %+v", got, want)
	}

	page := get(t, Handler(root), "/", http.StatusOK).Body.String()
	for _, want := range []string{"runs", "running, held", "running, long", "waits second", "waiting", "2 / 2", "Calls in flight: 5<"} {
		if !strings.Contains(page, want) {
			t.Errorf("%q is missing on the page:\n%s", want, page)
		}
	}
}

func TestAnAbandonedCallIsListedUntilItsBodyReturns(t *testing.T) {
	a := newAdapter(t, adapter.WithCancel(adapter.Abandon))
	run(t, a, adapter.Name("left alone")).Cancel()
	s := getJSON(t, Handler(a), "/?format=json")
	if c := s.named("left alone"); c == nil || !c.Abandoned || c.State != "ended" {
		t.Errorf("%+v", s.Calls)
	}
	if b := s.Backends[0]; b.Abandoned != 1 || b.Cancelled != 1 {
		t.Errorf("%+v", b)
	}
}

func TestWaitingCallsAreListedUpToALimit(t *testing.T) {
	a := newAdapter(t, adapter.WithSlots(1))
	run(t, a)
	for range defaultWaiting + 50 {
		start(a)
	}
	for _, c := range []struct {
		query            string
		listed, unlisted int
		more             string
	}{
		{"", defaultWaiting, 50, "?waiting=1000"},
		{"waiting=0", 0, defaultWaiting + 50, "?"},
		{"waiting=149", 149, 1, "?waiting=1490"},
		{"waiting=150", 150, 0, ""},
		{"waiting=10000", 150, 0, ""},
	} {
		s := getJSON(t, Handler(a), "/?format=json&"+c.query)
		if len(s.Calls)-1 != c.listed || s.Unlisted != c.unlisted {
			t.Errorf("with %q %d are listed and %d are not", c.query, len(s.Calls)-1, s.Unlisted)
		}
		page := get(t, Handler(a), "/?"+c.query, http.StatusOK).Body.String()
		if link := fmt.Sprintf("<a href=%q>list more</a>", c.more); strings.Contains(page, link) != (c.more != "") {
			t.Errorf("with %q the page has not the link %q, or one too much:\n%s", c.query, c.more, page)
		}
	}
}

func TestACallParkedOnAConnectionNamesIt(t *testing.T) {
	a := newAdapter(t)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	d := fakesock.Dialer{Loop: a.Loop()}
	conn, err := d.DialContext(bg, "tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	peer, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer peer.Close()
	read := make(chan error, 1)
	adapter.Go(bg, a, func(context.Context) (int, error) {
		return conn.Read(make([]byte, 1))
	}, func(_ int, err error) { read <- err }, adapter.Name("reads"))

	h := Handler(a)
	var c *call
	eventually(t, "the call is parked", func() bool {
		c = getJSON(t, h, "/?format=json").named("reads")
		return c != nil && c.Parked != nil && c.Parked.For > 0
	})
	if c.Parked.Op != "read" || c.Parked.Local != conn.LocalAddr().String() || c.Parked.Remote != ln.Addr().String() {
		t.Errorf("%+v, parked on %+v", c, c.Parked)
	}
	page := get(t, h, "/", http.StatusOK).Body.String()
	if want := "read " + c.Parked.Local + " → " + c.Parked.Remote; !strings.Contains(page, want) {
		t.Errorf("%q is missing on the page:\n%s", want, page)
	}
	stack := get(t, h, fmt.Sprintf("/?goroutine=%d", c.Goroutine), http.StatusOK).Body.String()
	if !strings.Contains(stack, "fakesock.(*Conn).Read(") {
		t.Errorf("the stack does not show the read:\n%s", stack)
	}

	if _, err := io.WriteString(peer, "x"); err != nil {
		t.Fatal(err)
	}
	if err := await(t, read); err != nil {
		t.Error(err)
	}
	eventually(t, "the call is gone", func() bool { return getJSON(t, h, "/?format=json").named("reads") == nil })
}
