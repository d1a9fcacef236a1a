package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
)

// report tells people what was found, and the sum of make test how much.
type report struct {
	out        io.Writer // for people
	events     io.Writer // for testreport, in the form of go test -json
	requireAll bool      // what is left out has failed
	bad        bool      // something has failed
}

// most is how many lines of a test's output are shown.
const most = 100

// compared reports a variant that ran.
func (r *report) compared(s suite, v variant, p *pair, took time.Duration) {
	name := s.name + " over " + v.name
	word := "ok"
	if len(p.findings)+len(p.problems) > 0 {
		word = "FAIL"
		r.bad = true
	}
	fmt.Fprintf(r.out, "%-5s\t%s: %d tests pass natively and over the fake socket\t%.1fs\n",
		word, name, len(p.passed), took.Seconds())
	for _, side := range []struct {
		name string
		*side
	}{{"natively", p.native}, {"fake socket", p.fake}} {
		fmt.Fprintf(r.out, "    %-11s  %d passed, %d failed, %d skipped; the server counted %d connections; %.1fs\n",
			side.name, side.count(passed), side.count(failed)+side.count(hanging), side.count(skipped),
			side.connections, side.took.Seconds())
	}
	d := p.fake.dialled
	fmt.Fprintf(r.out, "    %-11s  %d dialled, %d bytes read, %d written\n", "", d.Dials, d.Read, d.Written)
	if s.callbacks {
		fmt.Fprintf(r.out, "    %-11s  %d calls with callbacks\n", "", d.Calls)
	}

	r.notCompared(s.forVariant(v), p)
	for _, t := range p.passed {
		r.event(event{Action: "pass", Package: name, Test: s.title(t)})
	}
	for _, f := range p.findings {
		told := s.title(f.test) + " " + f.what
		fmt.Fprintf(r.out, "    %s\n", told)
		r.output("natively", f.native)
		r.output("over the fake socket", f.fake)
		r.event(event{Action: "fail", Package: name, Test: told})
	}
	for _, f := range p.unsteady {
		fmt.Fprintf(r.out, "    unsteady: %s %s, but ends alike in %d more runs of it alone\n", s.title(f.test), f.what, runsAgain)
		r.output("natively", f.native)
		r.output("over the fake socket", f.fake)
	}
	for _, problem := range p.problems {
		fmt.Fprintf(r.out, "    %s\n", strings.ReplaceAll(strings.TrimSpace(problem), "\n", "\n    "))
		first, _, _ := strings.Cut(problem, "\n")
		r.event(event{Action: "fail", Package: name, Test: first})
	}
	r.end(name)
}

// output shows what a test printed on one side, and of much only the end.
func (r *report) output(side string, lines []string) {
	if len(lines) == 0 {
		return
	}
	text := strings.Split(strings.TrimSuffix(strings.Join(lines, ""), "\n"), "\n")
	fmt.Fprintf(r.out, "      %s:\n", side)
	if before := len(text) - most; before > 0 {
		fmt.Fprintf(r.out, "        (%d lines before)\n", before)
		text = text[before:]
	}
	for _, line := range text {
		fmt.Fprintf(r.out, "        %s\n", line)
	}
}

// notCompared counts what did not pass on both sides and is no finding, by reason.
func (r *report) notCompared(s suite, p *pair) {
	skipped := map[string]int{}
	for _, t := range p.skipped {
		if e := s.maySkip(t.name, reason(p.native.of(t).output)); e != nil {
			skipped[e.reason]++
		}
	}
	for _, reason := range slices.Sorted(maps.Keys(skipped)) {
		fmt.Fprintf(r.out, "    %-11s  %d skip themselves on both sides: %s\n", "", skipped[reason], reason)
	}
	for _, k := range p.unserved {
		if k.tests == nil {
			continue // of another variant, or served by now
		}
		fmt.Fprintf(r.out, "    %-11s  %d fail on both sides: %s\n", "", len(k.tests), k.reason)
	}
	if n := len(s.leftOut); n > 0 {
		fmt.Fprintf(r.out, "    %-11s  not run: %d patterns, as told above\n", "", n)
	}
}

// exceptions tells what a suite does not compare.
func (r *report) exceptions(s suite) {
	for _, e := range s.leftOut {
		fmt.Fprintf(r.out, "    not run: %s: %s\n", e.tests, e.reason)
	}
	for _, v := range s.variants {
		for _, e := range v.leftOut {
			fmt.Fprintf(r.out, "    not run over %s: %s: %s\n", v.name, e.tests, e.reason)
		}
	}
	for _, e := range s.mayskip {
		fmt.Fprintf(r.out, "    may skip itself: %s: %s\n", e.tests, e.reason)
	}
}

// failed reports that there is nothing to compare.
func (r *report) failed(name string, err error) {
	r.bad = true
	fmt.Fprintf(r.out, "FAIL \t%s\n    %s\n", name, strings.ReplaceAll(strings.TrimSpace(err.Error()), "\n", "\n    "))
	first, _, _ := strings.Cut(err.Error(), "\n")
	r.event(event{Action: "fail", Package: name, Test: first})
	r.end(name)
}

// left reports what this machine cannot run.
func (r *report) left(name string, err error) {
	if r.requireAll {
		r.failed(name, fmt.Errorf("left out: %w", err))
		return
	}
	fmt.Fprintf(r.out, "skip \t%s: %v\n", name, err)
	// Like what a test says that skips itself.
	r.event(event{Action: "output", Package: name, Test: name, Output: fmt.Sprintf("    report.go:1: %v\n", err)})
	r.event(event{Action: "skip", Package: name, Test: name})
	r.end(name)
}

// end is a package's, which failed only with its tests.
func (r *report) end(name string) { r.event(event{Action: "pass", Package: name}) }

func (r *report) event(e event) {
	if err := json.NewEncoder(r.events).Encode(e); err != nil {
		fmt.Fprintf(r.out, "FAIL \tevents: %v\n", err)
		r.bad = true
	}
}
