package main

import "go/ast"

// mark finds which wrappers appear in signatures that are written.
func (m *model) mark() {
	for x := range m.written {
		for _, v := range x.results() {
			if t := m.target(v.Type()); t != nil && x.via == "" {
				t.returned = true
			}
		}
		for _, v := range x.params() {
			if t := m.target(v.Type()); t != nil {
				t.taken = true
			}
		}
	}
}

// written ranges over the methods and functions that the generator writes.
func (m *model) written(yield func(*method) bool) {
	for x := range m.everything {
		if (x.way == wayCall || x.way == wayPass) && !yield(x) {
			return
		}
	}
}

// everything ranges over all methods and functions.
func (m *model) everything(yield func(*method) bool) {
	for _, t := range m.types {
		for _, x := range t.methods {
			if !yield(x) {
				return
			}
		}
	}
	for _, x := range m.funcs {
		if !yield(x) {
			return
		}
	}
}

// checkNames reports what would be declared twice.
func (m *model) checkNames() {
	names := map[string]string{} // what is written, and for what
	declare := func(name, what string) {
		if other := names[name]; other != "" {
			m.errs.add("", "%s and %s would both be written as %s; rename one of them by a rule, or skip it", other, what, name)
			return
		}
		names[name] = what
		if n := m.out.decls[name]; n != nil {
			m.errs.add(m.out.at(n), "%s is declared by hand, and would be written for %s as well; remove it here", name, what)
		}
	}
	for _, t := range m.types {
		declare(t.name(), "the type "+t.name())
		declare("New"+t.name(), "the constructor of "+t.name())
		if t.returned {
			declare(t.wrapName(), "results that are a "+t.name())
		}
		own := map[string]string{"On": "the wrapper's own method", "Unwrap": "the wrapper's own method"}
		for _, x := range t.methods {
			if x.way != wayCall && x.way != wayPass {
				continue
			}
			if other := own[x.name]; other != "" {
				m.errs.add("", "%s would be written as %s.%s, as is %s; add a rule: %q or %q",
					x.subject(), t.name(), x.name, other, x.subject()+" rename NAME -- why", x.subject()+" skip -- why")
			}
			own[x.name] = x.subject()
		}
		for name, what := range own {
			if d := m.out.methods[t.name()+"."+name]; d != nil {
				m.errs.add(m.out.at(d), "%s.%s is written by hand, and would be written for %s as well; remove it, or add a rule: %q",
					t.name(), name, what, what+" manual -- why")
			}
		}
	}
	for _, x := range m.funcs {
		if x.way == wayCall || x.way == wayPass {
			declare(x.name, "the function "+x.fn.Name())
		}
	}
}

// checkStandIns reports methods that are skipped in favour of others that
// cannot serve.
func (m *model) checkStandIns() {
	for x := range m.everything {
		if x.standIn == "" {
			continue
		}
		r := m.rules.find(m.owner(x), x.fn.Name(), "skip")
		other := m.sibling(x, x.standIn)
		switch {
		case other == nil:
			m.errs.add(r.pos, "%q: there is no %s beside %s", r, x.standIn, x.subject())
		case other.way == waySkip:
			m.errs.add(r.pos, "%q: %s is skipped itself", r, other.subject())
		}
	}
}

// sibling returns the method of the same type, or the function, with the
// driver's name.
func (m *model) sibling(x *method, name string) *method {
	all := m.funcs
	if x.owner != nil {
		all = x.owner.methods
	}
	for _, o := range all {
		if o.fn.Name() == name {
			return o
		}
	}
	return nil
}

// checkUnused reports rules that say nothing.
func (m *model) checkUnused() {
	for _, r := range m.rules.all {
		if !r.used {
			m.errs.add(r.pos, "%q is about nothing: %s of the types and functions given has no such name, or a more special rule precedes it; correct the rule or remove it",
				r, m.d.version)
		}
	}
}

// declared reports whether the output declares a type by hand.
func (o *output) declaresType(name string) bool {
	_, ok := o.decls[name].(*ast.TypeSpec)
	return ok
}
