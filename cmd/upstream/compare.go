package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// comparison is two runs of the same tests, test by test.
type comparison struct {
	passed   []test // on both sides
	skipped  []test // on both sides
	unserved []known
	findings []finding
}

// known are the tests that fail on both sides as an exception says.
type known struct {
	exception
	tests []test
}

// finding is what is wrong with one test, or with one package: it ended
// differently, or not well on both sides.
type finding struct {
	test         test
	what         string
	native, fake []string // what it printed
}

// compare finds every test that did not end alike and well on both sides. It
// does not tell the same thing twice: a test that only fails with its subtests,
// and has nothing to say itself, is left out, and so is a package that only fails
// with its tests. A test of the exceptions may fail on both sides.
func compare(native, fake *outcome, unserved []exception) comparison {
	var c comparison
	for _, e := range unserved {
		c.unserved = append(c.unserved, known{exception: e})
	}
	told := map[test]bool{}           // it, or a subtest of it, is a finding
	missing := map[[3]string][]test{} // by package and the two statuses
	all := maps.Clone(native.tests)
	maps.Copy(all, fake.tests)
	// Subtests come before their tests, and those before their package.
	order := slices.SortedFunc(maps.Keys(all), func(a, b test) int {
		return cmp.Or(cmp.Compare(a.pkg, b.pkg), -cmp.Compare(depth(a), depth(b)), cmp.Compare(a.name, b.name))
	})
	for _, t := range order {
		n, f := native.of(t), fake.of(t)
		switch {
		case n.status == f.status && n.status == passed:
			c.add(&c.passed, t)
		case n.status == f.status && n.status == skipped:
			c.add(&c.skipped, t)
		case n.status == f.status && n.status == failed && c.fails(t, unserved):
			told[t.parent()] = true
		case told[t] && (t.name == "" || !n.saysMore() && !f.saysMore()):
			told[t.parent()] = true
		case t.name != "" && (n.status == absent || f.status == absent):
			key := [3]string{t.pkg, string(n.status), string(f.status)}
			missing[key] = append(missing[key], t)
		default:
			c.findings = append(c.findings, finding{t, difference(n.status, f.status), n.output, f.output})
			told[t.parent()] = true
		}
	}
	c.findings = append(c.findings, absences(missing)...)
	slices.SortStableFunc(c.findings, func(a, b finding) int {
		return cmp.Or(cmp.Compare(a.test.pkg, b.test.pkg), cmp.Compare(a.test.name, b.test.name))
	})
	return c
}

// fails notes a test that fails on both sides, and reports whether that is known.
func (c *comparison) fails(t test, unserved []exception) bool {
	e := find(unserved, t.name)
	if t.name == "" || e == nil {
		return false
	}
	for i := range c.unserved {
		if c.unserved[i].exception == *e {
			c.unserved[i].tests = append(c.unserved[i].tests, t)
		}
	}
	return true
}

// add leaves packages out: they are no tests.
func (c *comparison) add(to *[]test, t test) {
	if t.name != "" {
		*to = append(*to, t)
	}
}

// absences is a finding for all tests of a package that ran on one side only:
// when a program does not build, or panics, there are hundreds.
func absences(missing map[[3]string][]test) []finding {
	const most = 10
	var findings []finding
	for key, tests := range missing {
		var names []string
		for _, t := range tests {
			names = append(names, t.name)
		}
		slices.Sort(names)
		first := test{key[0], names[0]}
		what := difference(status(key[1]), status(key[2]))
		if rest := len(names) - 1; rest > 0 {
			shown := names[1 : min(rest, most)+1]
			what += fmt.Sprintf("; the same with %d more: %s", rest, strings.Join(shown, ", "))
			if rest > most {
				what += ", …"
			}
		}
		findings = append(findings, finding{test: first, what: what})
	}
	return findings
}

func difference(native, fake status) string {
	if native == fake {
		return fmt.Sprintf("%s on both sides", verb(native))
	}
	return fmt.Sprintf("%s natively, %s over the fake socket", verb(native), verb(fake))
}

func verb(s status) string {
	switch s {
	case passed:
		return "passes"
	case failed:
		return "fails"
	case skipped:
		return "is skipped"
	case hanging:
		return "does not end"
	}
	return "does not run"
}

// depth orders subtests before what they belong to.
func depth(t test) int {
	if t.name == "" {
		return 0
	}
	return 1 + strings.Count(t.name, "/")
}
