package main

import (
	"context"
	"fmt"
	"regexp"
	"strings"
)

// suite is what a driver's own tests need.
type suite struct {
	name     string            // for people, and for -suite
	module   string            // in the version that cmd/go.mod selects
	packages []string          // as for go test, from the module's root
	files    map[string]string // added to it where it dials through us; they put package dialer in
	flags    []string          // of go test, beside ours
	nowhere  []string          // IPv4 addresses that swallow what is sent to them
	variants []variant         // each is a run of its own

	// callbacks makes database/sql in the tests themselves package sql, where they
	// run over the fake socket: every call is one with a callback.
	callbacks bool

	atLeast int         // so many tests have to pass natively
	leftOut []exception // tests that are not run; patterns as for go test -skip
	mayskip []exception // tests that skip themselves; expressions for the whole name
}

// variant is one of the servers, or networks, that a suite is run against.
type variant struct {
	name  string
	start func(ctx context.Context) (*server, error) // private.ErrNotInstalled: it is left out
}

// server is fresh for each run, so that no run finds what another left behind.
type server struct {
	env         []string                               // for the tests
	connections func(ctx context.Context) (int, error) // that it has accepted so far
	close       func()
}

// exception is a test that is not compared. No exception without a reason.
type exception struct{ tests, reason string }

// suites is all that we run.
var suites = []suite{mysqlSuite, mysqlCallbacks}

// choose returns the suites of that name, or all.
func choose(names string) ([]suite, error) {
	if names == "" {
		return suites, nil
	}
	var chosen []suite
	for name := range strings.SplitSeq(names, ",") {
		found := false
		for _, s := range suites {
			if s.name == name {
				chosen, found = append(chosen, s), true
			}
		}
		if !found {
			return nil, fmt.Errorf("no suite is named %q", name)
		}
	}
	return chosen, nil
}

// skipFlag is what makes go test leave out what the suite does.
func (s suite) skipFlag() []string {
	var patterns []string
	for _, e := range s.leftOut {
		patterns = append(patterns, e.tests)
	}
	if patterns == nil {
		return nil
	}
	return []string{"-skip", strings.Join(patterns, "|")}
}

// maySkip reports whether the test is known to skip itself.
func (s suite) maySkip(test string) bool {
	for _, e := range s.mayskip {
		if regexp.MustCompile("^(" + e.tests + ")$").MatchString(test) {
			return true
		}
	}
	return false
}
