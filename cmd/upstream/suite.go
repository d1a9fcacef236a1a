package main

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// suite is what a driver's own tests need.
type suite struct {
	name      string            // for people, and for -suite
	module    string            // in the version that cmd/go.mod selects
	packages  []string          // as for go test, from the module's root
	files     map[string]string // added to it where it dials through us; they put package dialer in
	netDialer []string          // its files that name net.Dialer, all of them: netdial.Dialer replaces it
	specs     specs             // files that its tests read and its module does not have
	flags     []string          // of go test, beside ours
	nowhere   []string          // IPv4 addresses that swallow what is sent to them
	variants  []variant         // each is a run of its own

	// callbacks makes database/sql in the tests themselves package sql, where they
	// run over the fake socket: every call is one with a callback.
	callbacks bool

	atLeast int         // so many tests have to pass natively, in each variant
	leftOut []exception // tests that are not run; patterns as for go test -skip
	mayskip []exception // tests that skip themselves; expressions for the whole name
	skipsay []exception // what tests may say that skip themselves; expressions
}

// specs are folders of another module, which nothing requires: so its sum is here
// instead of in a go.sum.
type specs struct {
	module, version, sum string
	from, to             string            // the folders are beneath these, there and here
	folders              map[string]string // what they are called here, and there
}

// variant is one of the servers, or networks, that a suite is run against.
type variant struct {
	name  string
	start func(ctx context.Context) (*server, error) // private.ErrNotInstalled: it is left out

	leftOut  []exception // besides the suite's
	unserved []exception // tests that may fail, on both sides; expressions for the whole name
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
var suites = []suite{mysqlSuite, mysqlCallbacks, mongoSuite}

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

// forVariant is the suite with what the variant has of its own.
func (s suite) forVariant(v variant) suite {
	s.leftOut = slices.Concat(s.leftOut, v.leftOut)
	return s
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

// maySkip is the exception that lets a test skip itself, saying so, or nil.
func (s suite) maySkip(test, said string) *exception {
	if e := find(s.mayskip, test); e != nil {
		return e
	}
	for i, e := range s.skipsay {
		if regexp.MustCompile(e.tests).MatchString(said) {
			return &s.skipsay[i]
		}
	}
	return nil
}

// find is the exception that a test is, or nil.
func find(exceptions []exception, test string) *exception {
	for i, e := range exceptions {
		if regexp.MustCompile("^(" + e.tests + ")$").MatchString(test) {
			return &exceptions[i]
		}
	}
	return nil
}
