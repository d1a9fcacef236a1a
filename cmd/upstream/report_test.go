package main

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/valet-go/valet/cmd/upstream/dialer"
)

func TestReport(t *testing.T) {
	native := sideOf(t, append([]string{`{"Action":"pass","Package":"example.test/d","Test":"TestB"}`}, oneOfEach...))
	fake := sideOf(t, append([]string{
		`{"Action":"output","Package":"example.test/d","Test":"TestB","Output":"wrong\n"}`,
		`{"Action":"fail","Package":"example.test/d","Test":"TestB"}`,
	}, oneOfEach...))
	fake.dialled = dialer.Counts{Dials: 3, Read: 7, Written: 8}
	p := &pair{native: native, fake: fake, comparison: compare(native.outcome, fake.outcome, nil), problems: []string{"odd\nindeed"}}
	var out, events strings.Builder
	r := &report{out: &out, events: &events}
	r.compared(checked, variant{name: "tcp"}, p, time.Second)
	wantText(t, out.String(), `FAIL 	d over tcp: 1 tests pass natively and over the fake socket	1.0s
    natively     2 passed, 0 failed, 2 skipped; the server counted 5 connections; 0.0s
    fake socket  1 passed, 1 failed, 2 skipped; the server counted 5 connections; 0.0s
                 3 dialled, 7 bytes read, 8 written
                 2 skip themselves on both sides: they say so
    TestB passes natively, fails over the fake socket
      over the fake socket:
        wrong
    odd
    indeed
`)
	wantText(t, events.String(), `{"Action":"pass","Package":"d over tcp","Test":"TestA"}
{"Action":"fail","Package":"d over tcp","Test":"TestB passes natively, fails over the fake socket"}
{"Action":"fail","Package":"d over tcp","Test":"odd"}
{"Action":"pass","Package":"d over tcp"}
`)
	if !r.bad {
		t.Error("a difference is no success")
	}
}

func TestWhatIsLeftOutFailsIfAllIsRequired(t *testing.T) {
	for _, all := range []bool{false, true} {
		var out, events strings.Builder
		r := &report{out: &out, events: &events, requireAll: all}
		r.left("the tests", errors.New("no namespace"))
		word, action := "skip", `{"Action":"skip","Package":"the tests","Test":"the tests"}`
		if all {
			word, action = "FAIL", `{"Action":"fail","Package":"the tests","Test":"left out: no namespace"}`
		}
		if r.bad != all || !strings.HasPrefix(out.String(), word) || !strings.Contains(events.String(), action) {
			t.Errorf("required %v: bad %v\n%s%s", all, r.bad, out.String(), events.String())
		}
	}
}

func TestOfMuchOutputTheEndIsShown(t *testing.T) {
	var lines []string
	for i := range most + 5 {
		lines = append(lines, fmt.Sprintln("line", i))
	}
	var out strings.Builder
	(&report{out: &out}).output("natively", lines)
	if got := out.String(); !strings.Contains(got, "(5 lines before)\n        line 5\n") ||
		!strings.HasSuffix(got, fmt.Sprintf("line %d\n", most+4)) {
		t.Errorf("got:\n%s", got)
	}
}

func wantText(t *testing.T, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}
