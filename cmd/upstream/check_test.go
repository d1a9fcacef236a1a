package main

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/valet-go/valet/cmd/upstream/dialer"
)

var checked = suite{
	name: "d", module: "example.test/d", atLeast: 1,
	mayskip: []exception{{"TestSlow|TestOdd/.*", "they say so"}},
}

var oneOfEach = []string{
	`{"Action":"pass","Package":"example.test/d","Test":"TestA"}`,
	`{"Action":"skip","Package":"example.test/d","Test":"TestSlow"}`,
	`{"Action":"skip","Package":"example.test/d","Test":"TestOdd/1"}`,
	`{"Action":"pass","Package":"example.test/d"}`,
}

func TestProblems(t *testing.T) {
	for _, c := range []struct {
		name   string
		events []string
		spoil  func(native, fake *side)

		callbacks bool
		want      string // the only problem
	}{
		{name: "all is well"},
		{
			name: "a test needs the server and does not find it",
			events: append([]string{
				`{"Action":"output","Package":"example.test/d/sub","Test":"TestB","Output":"    d_test.go:1: no server\n"}`,
				`{"Action":"skip","Package":"example.test/d/sub","Test":"TestB"}`,
			}, oneOfEach...),
			want: "sub TestB skips itself, which is not expected: d_test.go:1: no server",
		},
		{name: "too few tests", events: oneOfEach[1:], want: "only 0 tests pass natively, of at least 1"},
		{
			name:  "natively nothing reached the server",
			spoil: func(native, _ *side) { native.connections = 0 }, want: "natively no test reached the server",
		},
		{
			name:  "our dialer was not used",
			spoil: func(_, fake *side) { fake.dialled.Dials = 0 }, want: "nothing was dialled through the fake socket",
		},
		{
			name: "it was hardly used", spoil: func(_, fake *side) { fake.dialled.Dials = 2 },
			want: "of the server's 5 connections only 2 were dialled through the fake socket",
		},
		{
			name: "nothing went over it", spoil: func(_, fake *side) { fake.dialled.Read = 0 },
			want: "0 bytes were read and 7 written over the fake socket",
		},
		{
			name: "nothing was asked through callbacks", callbacks: true,
			want: "only 0 calls went through callbacks",
		},
		{
			name: "the go command fails without a test that does",
			spoil: func(_, fake *side) {
				fake.goError, fake.other = errors.New("exit status 1"), []string{"no such module\n"}
			},
			want: "over the fake socket go test ended with: exit status 1\nno such module\n",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			events := c.events
			if events == nil {
				events = oneOfEach
			}
			native, fake := sideOf(t, events), sideOf(t, events)
			fake.dialled = dialer.Counts{Dials: 3, Read: 7, Written: 7}
			if c.spoil != nil {
				c.spoil(native, fake)
			}
			s := checked
			s.callbacks = c.callbacks
			got := s.problems(native, fake, compare(native.outcome, fake.outcome, nil), nil)
			if got := strings.Join(got, "; "); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func sideOf(t *testing.T, events []string) *side {
	return &side{outcome: read(t, events), connections: 5}
}

func TestTheSuitesSayWhatTheyLeaveOut(t *testing.T) {
	for _, s := range suites {
		if s.atLeast == 0 || len(s.variants) == 0 || len(s.files)+len(s.netDialer) == 0 {
			t.Errorf("%s is not complete", s.name)
		}
		for _, e := range slices.Concat(s.leftOut, s.mayskip, s.skipsay, mongoUnserved) {
			if e.reason == "" {
				t.Errorf("%s: %s is left out without a reason", s.name, e.tests)
			}
		}
		if _, err := choose(s.name); err != nil {
			t.Error(err)
		}
	}
	if _, err := choose("nosuch"); err == nil {
		t.Error("a suite was chosen that there is not")
	}
	if all, err := choose(""); err != nil || len(all) != len(suites) {
		t.Errorf("chose %d suites, %v", len(all), err)
	}
}
