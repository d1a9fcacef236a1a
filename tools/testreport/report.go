package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// event is one line of "go test -json": go doc test2json.
type event struct {
	Action      string
	Package     string
	ImportPath  string // of a build-output event
	Test        string // empty: the event is about the whole package
	Output      string
	Elapsed     float64 // seconds
	FailedBuild string
}

// report collects the events of any number of packages. Tests and subtests
// count alike, each as one.
type report struct {
	out    io.Writer // for the packages, as they end
	open   map[string]*pkg
	build  map[string][]string // output of builds, by import path
	passed int
	failed []string  // "package: test", or the package when no test is to blame
	left   []leftOut // in the order of the input
}

type leftOut struct{ name, reason string }

// pkg is a package whose end has not been read yet.
type pkg struct {
	output  map[string][]string // by test; "" for lines of no test
	running map[string]bool
	failed  []string
}

func newReport(out io.Writer) *report {
	return &report{out: out, open: map[string]*pkg{}, build: map[string][]string{}}
}

func (r *report) line(line string) {
	var e event
	if json.Unmarshal([]byte(line), &e) != nil || e.Action == "" {
		io.WriteString(r.out, line)
		return
	}
	switch e.Action {
	case "build-output":
		r.build[e.ImportPath] = append(r.build[e.ImportPath], e.Output)
		return
	case "build-fail":
		return // the packages that need it say so at their ends
	}
	p := r.open[e.Package]
	if p == nil {
		p = &pkg{output: map[string][]string{}, running: map[string]bool{}}
		r.open[e.Package] = p
	}
	switch e.Action {
	case "output":
		p.output[e.Test] = append(p.output[e.Test], e.Output)
	case "run":
		p.running[e.Test] = true
	case "pass", "fail", "skip":
		if e.Test != "" {
			r.testEnd(p, e)
			return
		}
		delete(r.open, e.Package)
		r.packageEnd(p, e)
	}
}

func (r *report) testEnd(p *pkg, e event) {
	delete(p.running, e.Test)
	switch e.Action {
	case "pass":
		r.passed++
		delete(p.output, e.Test)
	case "fail":
		p.failed = append(p.failed, e.Test)
		r.failed = append(r.failed, e.Package+": "+e.Test)
	case "skip":
		r.left = append(r.left, leftOut{e.Test, reason(p.output[e.Test])})
		delete(p.output, e.Test)
	}
}

func (r *report) packageEnd(p *pkg, e event) {
	if e.Action != "fail" {
		if e.Action == "skip" {
			fmt.Fprintf(r.out, "-    \t%s\t[no test files]\n", e.Package)
			return
		}
		fmt.Fprintf(r.out, "ok   \t%s\t%.1fs\n", e.Package, e.Elapsed)
		return
	}
	fmt.Fprintf(r.out, "FAIL \t%s\t%.1fs\n", e.Package, e.Elapsed)
	// A build that failed, a panic, a timeout or a leak found after the last
	// test is nobody's failure but the package's. Tests that were still running
	// hold the stacks.
	running := slices.Sorted(maps.Keys(p.running))
	switch {
	case len(running) > 0:
		r.failed = append(r.failed, e.Package+": did not end: "+strings.Join(running, ", "))
	case len(p.failed) == 0:
		r.failed = append(r.failed, e.Package)
	}
	p.failed = append(p.failed, running...)
	r.writeOutput(r.build[e.FailedBuild])
	for _, test := range p.failed {
		r.writeOutput(p.output[test])
	}
	r.writeOutput(p.output[""])
}

// end accounts for packages whose end never came: go test itself was killed.
func (r *report) end() {
	for _, name := range slices.Sorted(maps.Keys(r.open)) {
		p := r.open[name]
		delete(r.open, name)
		r.packageEnd(p, event{Action: "fail", Package: name})
	}
}

// failSkips turns every test that was left out into a failed one.
func (r *report) failSkips() {
	for _, l := range r.left {
		r.failed = append(r.failed, l.name+" was left out: "+l.reason)
	}
	r.left = nil
}

func (r *report) writeSum(w io.Writer) {
	for _, l := range r.left {
		fmt.Fprintf(w, "Left out: %s: %s\n", l.name, l.reason)
	}
	for _, name := range r.failed {
		fmt.Fprintf(w, "Failed: %s\n", name)
	}
	fmt.Fprintf(w, "%d passed, %d failed, %d skipped\n", r.passed, len(r.failed), len(r.left))
}

// noise is what the testing package prints about the course of things.
var noise = regexp.MustCompile(`^(=== (RUN|PAUSE|CONT|NAME)|PASS$|FAIL$|FAIL\t|ok  \t)`)

func (r *report) writeOutput(lines []string) {
	for _, line := range lines {
		if !noise.MatchString(line) {
			fmt.Fprintf(r.out, "    %s\n", strings.TrimSuffix(line, "\n"))
		}
	}
}

// location is where the testing package says that a message comes from.
var location = regexp.MustCompile(`^\s+\S+\.go:\d+: `)

// reason is the message that a test was skipped with: the last that it logged.
func reason(output []string) string {
	said := "no reason given"
	for _, line := range output {
		if at := location.FindString(line); at != "" {
			said = strings.TrimSpace(strings.TrimPrefix(line, at))
		}
	}
	return said
}
