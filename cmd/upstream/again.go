package main

import (
	"context"
	"regexp"
	"strings"
)

const (
	// runsAgain is how often a test that ended differently has to end alike.
	runsAgain = 3
	// mostUnsteady is how many tests of a variant may be unsteady. More are no
	// accident.
	mostUnsteady = 3
)

// again runs the tests that ended differently once more, each alone, and takes
// those from the findings that then end alike every time: drivers have tests that
// fail once in a thousand runs, natively, too.
func (s suite) again(ctx context.Context, w workspace, v variant, p *pair) error {
	if len(p.findings) > mostUnsteady {
		return nil
	}
	var stay []finding
	for _, f := range p.findings {
		alike := false
		if f.test.name != "" && p.native.ended(f.test) && p.fake.ended(f.test) {
			var err error
			if alike, err = s.endsAlike(ctx, w, v, f.test); err != nil {
				return err
			}
		}
		if alike {
			p.unsteady = append(p.unsteady, f)
		} else {
			stay = append(stay, f)
		}
	}
	p.findings = stay
	return nil
}

// ended reports whether a test ran to its end: one that did not stands for all
// that its program did not come to.
func (o *outcome) ended(t test) bool {
	status := o.of(t).status
	return status != absent && status != hanging
}

// endsAlike reports whether a test ends well, or as it may, on both sides every
// time.
func (s suite) endsAlike(ctx context.Context, w workspace, v variant, t test) (bool, error) {
	s.packages = []string{t.pkg}
	s.flags = append(s.flags[:len(s.flags):len(s.flags)], "-run", t.pattern())
	for range runsAgain {
		native, fake, err := s.runBoth(ctx, w, v)
		if err != nil {
			return false, err
		}
		if !native.ended(t) || len(compare(native.outcome, fake.outcome, v.unserved).findings) > 0 {
			return false, nil
		}
	}
	return true, nil
}

// pattern is that of a test alone, for go test -run.
func (t test) pattern() string {
	names := strings.Split(t.name, "/")
	for i, name := range names {
		names[i] = "^" + regexp.QuoteMeta(name) + "$"
	}
	return strings.Join(names, "/")
}
