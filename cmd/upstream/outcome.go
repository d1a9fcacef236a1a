package main

import (
	"bufio"
	"encoding/json"
	"io"
	"slices"
	"strings"
)

// status is how a test ended.
type status string

const (
	passed  status = "pass"
	failed  status = "fail"
	skipped status = "skip"
	hanging status = "did not end" // it began, and its program ended: a panic, a timeout
	absent  status = "did not run"
)

// test names a test or subtest; without a name, the package as a whole.
type test struct{ pkg, name string }

// result is how a test ended, and all that it printed.
type result struct {
	status status
	output []string
}

// saysMore reports whether a test printed more than package testing does for it.
func (r result) saysMore() bool {
	for _, line := range r.output {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "=== ") && !strings.HasPrefix(line, "--- ") {
			return true
		}
	}
	return false
}

// outcome is what a run of go test -json said.
type outcome struct {
	tests map[test]*result
	other []string // lines that are not events: the go command's own
}

// event is one line of "go test -json": go doc test2json.
type event struct {
	Action      string
	Package     string
	ImportPath  string `json:",omitempty"` // of a build-output event
	Test        string `json:",omitempty"` // empty: the event is about the whole package
	Output      string `json:",omitempty"`
	FailedBuild string `json:",omitempty"`
}

// readOutcome reads a stream of events to its end, which may come at any place.
func readOutcome(in io.Reader) (*outcome, error) {
	o := &outcome{tests: map[test]*result{}}
	build := map[string][]string{} // the compiler's messages, by import path
	lines := bufio.NewReader(in)
	for {
		line, err := lines.ReadString('\n')
		if line != "" {
			o.line(line, build)
		}
		switch err {
		case nil:
		case io.EOF:
			return o, nil
		default:
			return o, err
		}
	}
}

func (o *outcome) line(line string, build map[string][]string) {
	var e event
	if json.Unmarshal([]byte(line), &e) != nil || e.Action == "" {
		o.other = append(o.other, line)
		return
	}
	switch e.Action {
	case "build-output":
		build[e.ImportPath] = append(build[e.ImportPath], e.Output)
		return
	case "build-fail":
		return // the packages that need it say so at their ends
	}
	t := test{e.Package, e.Test}
	r := o.tests[t]
	if r == nil {
		r = &result{status: hanging}
		o.tests[t] = r
	}
	switch e.Action {
	case "output":
		r.output = append(r.output, e.Output)
	case "pass", "fail", "skip":
		r.status = status(e.Action)
		r.output = slices.Concat(build[e.FailedBuild], r.output)
	}
}

// of returns the result of a test, which may have none.
func (o *outcome) of(t test) result {
	if r := o.tests[t]; r != nil {
		return *r
	}
	return result{status: absent}
}

// count is how many tests and subtests ended like that.
func (o *outcome) count(s status) int {
	n := 0
	for t, r := range o.tests {
		if t.name != "" && r.status == s {
			n++
		}
	}
	return n
}

// parent is the test that a subtest belongs to; the package's own is itself.
func (t test) parent() test {
	i := strings.LastIndexByte(t.name, '/')
	return test{t.pkg, t.name[:max(i, 0)]}
}
