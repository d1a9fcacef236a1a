package main

import (
	"fmt"
	"go/types"
	"strings"
)

// applyRules sets what the rules say.
func (m *model) applyRules(x *method) {
	owner, name := m.owner(x), x.fn.Name()
	find := func(verbs ...string) *rule {
		r := m.rules.find(owner, name, verbs...)
		if r != nil {
			x.why = append(x.why, r.reason)
		}
		return r
	}
	if r := find(ways...); r != nil {
		switch r.verb {
		case "skip":
			x.way, x.standIn = waySkip, r.arg(0)
		case "manual":
			x.way = wayManual
		case "pass":
			x.way = wayPass
		}
	}
	if r := find("rename"); r != nil {
		x.name = r.args[0]
		m.precludes(x, r, waySkip)
	}
	if r := find("release"); r != nil {
		x.release = true
		m.precludes(x, r, waySkip, wayManual, wayPass)
	}
	if r := find("long"); r != nil {
		x.long = true
		m.precludes(x, r, waySkip, wayManual, wayPass)
	}
	if r := find("via"); r != nil {
		m.precludes(x, r, waySkip, wayManual, wayPass)
		m.setVia(x, r)
	}
	if r := find("drop"); r != nil {
		m.precludes(x, r, waySkip, wayManual, wayPass)
		if x.drop = r.args[0]; m.out.function(x.drop) == nil {
			m.errs.add(r.pos, "%q: package %s in %s has no function %s; write it", r, m.out.name, m.out.dir, x.drop)
		}
	}
	x.notes = m.rules.notes(owner, name)
	switch {
	case x.way == wayManual && owner != "" && !m.out.hasMethod(owner, x.name):
		m.errs.add(m.posOf(x, "manual"), "%s is to be written by hand, but package %s in %s has no method %s of %s; write it, or remove the rule",
			x.subject(), m.out.name, m.out.dir, x.name, owner)
	case x.way == wayManual && owner == "" && m.out.function(x.name) == nil:
		m.errs.add(m.posOf(x, "manual"), "%s is to be written by hand, but package %s in %s has no function %s; write it, or remove the rule",
			x.subject(), m.out.name, m.out.dir, x.name)
	}
}

// precludes reports a rule that means nothing beside another.
func (m *model) precludes(x *method, r *rule, ways ...way) {
	for _, w := range ways {
		if x.way == w {
			other := m.rules.find(m.owner(x), x.fn.Name(), "skip", "pass", "manual")
			m.errs.add(r.pos, "%q says nothing about %s beside %s, %q; remove one of them", r, x.subject(), other.pos, other)
		}
	}
}

// posOf is where the rule with the verb stands.
func (m *model) posOf(x *method, verb string) string {
	return m.rules.find(m.owner(x), x.fn.Name(), verb).pos
}

// setVia sets the helper that starts x.
func (m *model) setVia(x *method, r *rule) {
	if m.out.function(r.args[0]) == nil {
		m.errs.add(r.pos, "%q: package %s in %s has no function %s; write it", r, m.out.name, m.out.dir, r.args[0])
		return
	}
	x.via = r.args[0]
	if m.out.callback(newFile(m.out), x.via, "") == "" {
		m.errs.add(r.pos, "%q: %s has no callback: a parameter that is a function without results", r, x.via)
	}
	if name := r.arg(1); name != "" {
		if x.owner == nil {
			m.errs.add(r.pos, "%q: only a method can be started by another", r)
			return
		}
		other, _, _ := types.LookupFieldOrMethod(x.owner.receiver(), false, m.d.pkg, name)
		fn, ok := other.(*types.Func)
		if !ok || !types.Identical(fn.Signature().Params(), x.sig.Params()) {
			m.errs.add(r.pos, "%q: %s has no method %s with the parameters of %s", r, x.owner.name(), name, x.fn.Name())
			return
		}
		x.viaCall = fn
	}
}

func (m *model) needRule(x *method, why string, verbs ...string) {
	file := m.rules.file
	if file == "" {
		file = "a file that -rules names"
	}
	var rules []string
	for _, v := range verbs {
		rules = append(rules, fmt.Sprintf("%q", x.subject()+" "+v+" -- why"))
	}
	pos := m.d.fset.Position(x.fn.Pos())
	m.errs.add("", "%s (%s): %s; add a rule to %s: %s", x.subject(), strings.Replace(pos.String(), "$GOROOT", m.d.goroot, 1), why, file, strings.Join(rules, " or "))
}

// setDrop sets what ends a t that nobody got.
func (m *model) setDrop(t *target, r *rule, s *types.Selection) {
	if s != nil {
		params := vars(s.Obj().(*types.Func).Signature().Params())
		if t.dropCtx = len(params) == 1 && isContext(params[0].Type()); t.dropCtx || len(params) == 0 {
			return
		}
	}
	m.errs.add(r.pos, "%q: %s has no method %s, without parameters or with a context, to end it with", r, t.name(), t.drop)
}
