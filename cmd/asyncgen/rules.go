package main

import (
	"fmt"
	"os"
	"slices"
	"strings"
)

// rule is a line of the rules file.
type rule struct {
	pos     string // file:line
	subject string
	verb    string
	args    []string
	reason  string
	used    bool
}

func (r *rule) String() string {
	return strings.Join(append([]string{r.subject, r.verb}, r.args...), " ")
}

// arg returns the i-th argument, or "".
func (r *rule) arg(i int) string {
	if i < len(r.args) {
		return r.args[i]
	}
	return ""
}

// verbs have from least to most arguments.
var verbs = map[string]struct{ least, most int }{
	"skip": {0, 1}, "pass": {0, 0}, "call": {0, 0}, "manual": {0, 0},
	"rename": {1, 1}, "release": {0, 0}, "long": {0, 0}, "via": {1, 2},
	"drop": {1, 1}, "note": {0, 0}, "held": {0, 0},
}

// Of these a method has at most one.
var ways = []string{"skip", "pass", "call", "manual"}

// rules are those of a file.
type rules struct {
	file string
	all  []*rule
}

// readRules reads a rules file; a name of "" means that there is none.
func readRules(file string, errs *problems) *rules {
	rs := &rules{file: file}
	if file == "" {
		return rs
	}
	text, err := os.ReadFile(file)
	if err != nil {
		errs.add("", "%v", err)
		return rs
	}
	for i, line := range strings.Split(string(text), "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		r, err := parseRule(line)
		pos := fmt.Sprintf("%s:%d", file, i+1)
		if err != nil {
			errs.add(pos, "%v", err)
			continue
		}
		r.pos = pos
		if twin := rs.twin(r); twin != nil {
			errs.add(pos, "%q and %s, %q, exclude each other; remove one", r, twin.pos, twin)
			continue
		}
		rs.all = append(rs.all, r)
	}
	return rs
}

func parseRule(line string) (*rule, error) {
	const form = "want: SUBJECT VERB [ARGUMENT...] -- REASON"
	said, reason, found := strings.Cut(line, "--")
	if reason = strings.TrimSpace(reason); !found || reason == "" {
		return nil, fmt.Errorf("the rule has no reason; %s", form)
	}
	words := strings.Fields(said)
	if len(words) < 2 {
		return nil, fmt.Errorf("the rule has no verb; %s", form)
	}
	r := &rule{subject: words[0], verb: words[1], args: words[2:], reason: reason}
	want, known := verbs[r.verb]
	switch {
	case !known:
		return nil, fmt.Errorf("there is no verb %q; the verbs are call, drop, held, long, manual, note, pass, release, rename, skip and via", r.verb)
	case len(r.args) < want.least || len(r.args) > want.most:
		return nil, fmt.Errorf("%q has %d arguments, want %s; %s", r.verb, len(r.args), span(want.least, want.most), form)
	}
	return r, nil
}

func span(least, most int) string {
	if least == most {
		return fmt.Sprint(least)
	}
	return fmt.Sprintf("%d to %d", least, most)
}

// twin returns a rule that r cannot stand beside.
func (rs *rules) twin(r *rule) *rule {
	for _, o := range rs.all {
		if o.subject == r.subject && r.verb != "note" &&
			(o.verb == r.verb || slices.Contains(ways, o.verb) && slices.Contains(ways, r.verb)) {
			return o
		}
	}
	return nil
}

// find returns the rule with one of the verbs for a type, function or method,
// whose owner is a type's name, or "". It counts as used.
func (rs *rules) find(owner, name string, verbs ...string) *rule {
	for _, subject := range subjects(owner, name) {
		for _, r := range rs.all {
			if r.subject == subject && slices.Contains(verbs, r.verb) {
				r.used = true
				return r
			}
		}
	}
	return nil
}

// notes returns the reasons of all rules with the verb note, which are text: the
// most special last.
func (rs *rules) notes(owner, name string) (texts []string) {
	for _, subject := range slices.Backward(subjects(owner, name)) {
		for _, r := range rs.all {
			if r.subject == subject && r.verb == "note" {
				r.used = true
				texts = append(texts, r.reason)
			}
		}
	}
	return texts
}

// subjects are the ways to name a method, or what has no owner, the most
// special first.
func subjects(owner, name string) []string {
	if owner == "" {
		return []string{name}
	}
	return []string{owner + "." + name, "*." + name}
}

// problems are errors that are reported together.
type problems struct{ list []string }

// add notes a problem at pos, which is file:line, or "".
func (p *problems) add(pos, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if pos != "" {
		text = pos + ": " + text
	}
	if !slices.Contains(p.list, text) {
		p.list = append(p.list, text)
	}
}

// err is nil if there are none.
func (p *problems) err() error {
	if len(p.list) == 0 {
		return nil
	}
	return fmt.Errorf("%s", strings.Join(p.list, "\n"))
}
