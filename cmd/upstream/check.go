package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/valet-go/valet/cmd/upstream/dialer"
)

// side is one of the two runs, with what we counted from outside.
type side struct {
	*outcome
	goError     error         // of the go command; tests that fail are one
	took        time.Duration // builds included
	connections int           // that the server counted
	dialled     dialer.Counts // zero natively
}

// problems is what is wrong with a pair of runs as a whole: they could be alike
// only because neither did what it should.
func (s suite) problems(native, fake *side, c comparison, unsteady []finding) []string {
	var found []string
	complain := func(format string, args ...any) { found = append(found, fmt.Sprintf(format, args...)) }

	for _, t := range c.skipped {
		if said := reason(native.of(t).output); s.maySkip(t.name, said) == nil {
			complain("%s skips itself, which is not expected: %s", s.title(t), said)
		}
	}
	if n := native.count(passed); n < s.atLeast {
		complain("only %d tests pass natively, of at least %d", n, s.atLeast)
	}
	if native.connections == 0 {
		complain("natively no test reached the server")
	}
	// Some tests bring dialers of their own.
	switch d := fake.dialled; {
	case d.Dials == 0:
		complain("nothing was dialled through the fake socket")
	case 2*d.Dials < int64(fake.connections):
		complain("of the server's %d connections only %d were dialled through the fake socket", fake.connections, d.Dials)
	}
	if d := fake.dialled; d.Read == 0 || d.Written == 0 {
		complain("%d bytes were read and %d written over the fake socket", d.Read, d.Written)
	}
	if n := fake.dialled.Calls; s.callbacks && n < int64(s.atLeast) {
		complain("only %d calls went through callbacks", n)
	}
	// What go test complains of is a finding already, if it has to do with a test
	// or a package.
	if len(c.findings)+len(unsteady) == 0 {
		for _, side := range []struct {
			name string
			*side
		}{{"natively", native}, {"over the fake socket", fake}} {
			if side.goError != nil && !c.knownToFail() {
				complain("%s go test ended with: %v\n%s", side.name, side.goError, strings.Join(side.other, ""))
			}
		}
	}
	return found
}

// knownToFail reports whether go test has a reason to complain that we know of.
func (c comparison) knownToFail() bool {
	return slices.ContainsFunc(c.unserved, func(k known) bool { return k.tests != nil })
}

// title is the name of a test for people: its package is told unless it is the
// module's root.
func (s suite) title(t test) string {
	pkg := strings.TrimPrefix(strings.TrimPrefix(t.pkg, s.module), "/")
	switch {
	case t.name == "":
		return "package " + t.pkg
	case pkg == "":
		return t.name
	}
	return pkg + " " + t.name
}

// reason is what a test gave as the reason for skipping itself.
func reason(output []string) string {
	said := "no reason given"
	for _, line := range output {
		if line = strings.TrimSpace(line); strings.Contains(line, ".go:") {
			said = line
		}
	}
	return said
}
