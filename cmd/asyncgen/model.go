package main

import (
	"fmt"
	"go/types"
	"strings"
)

// way is what becomes of a method.
type way int

const (
	wayCall way = iota
	wayPass
	waySkip
	wayManual
)

// model is what is to be written.
type model struct {
	d       *driver
	rules   *rules
	out     *output
	types   []*target
	funcs   []*method
	visible visibility
	errs    *problems
}

// target is a type of the driver's that gets a wrapper.
type target struct {
	obj     *types.TypeName
	self    types.Type           // instantiated with its own type parameters
	tparams *types.TypeParamList // nil: not generic
	iface   bool
	held    *rule
	lane    bool   // it may be in a lane: it is held, or comes from what is
	drop    string // a method
	dropCtx bool   // which takes a context
	notes   []string
	methods []*method

	returned, taken bool // by a method that is written
}

func (t *target) name() string { return t.obj.Name() }

// method is a method of a target, or a function.
type method struct {
	owner *target // nil for a function
	fn    *types.Func
	sig   *types.Signature
	name  string // the wrapper's
	way   way
	why   []string // reasons, for the table
	blocks,
	hasCtx, hasErr,
	checked, // its result has a method Err, and itself no error
	release, long bool
	via        string
	viaCall    *types.Func // called by via in place of fn
	drop       string      // a function
	standIn    string      // for skip
	notes      []string
	deprecated string
}

// subject is how rules name it.
func (m *method) subject() string {
	if m.owner == nil {
		return m.fn.Name()
	}
	return m.owner.name() + "." + m.fn.Name()
}

// params returns the parameters, without a context that is the first.
func (m *method) params() []*types.Var {
	all := vars(m.sig.Params())
	if m.hasCtx {
		return all[1:]
	}
	return all
}

// results returns the results, without the error.
func (m *method) results() []*types.Var {
	all := vars(m.sig.Results())
	if m.hasErr {
		return all[:len(all)-1]
	}
	return all
}

func vars(t *types.Tuple) []*types.Var {
	var all []*types.Var
	for v := range t.Variables() {
		all = append(all, v)
	}
	return all
}

// addType adds a type of -type.
func (m *model) addType(name string) {
	obj := m.d.pkg.Scope().Lookup(name)
	tn, ok := obj.(*types.TypeName)
	if !ok || !obj.Exported() {
		m.errs.add("", "-type %s: %s has no exported type of this name", name, m.d.pkg.Path())
		return
	}
	named, ok := types.Unalias(tn.Type()).(*types.Named)
	if !ok {
		m.errs.add("", "-type %s: it has no methods of its own, being %s", name, tn.Type())
		return
	}
	t := &target{obj: tn, self: named, iface: types.IsInterface(named)}
	if t.tparams = named.TypeParams(); t.tparams.Len() > 0 {
		var own []types.Type
		for p := range t.tparams.TypeParams() {
			own = append(own, p)
		}
		self, err := types.Instantiate(nil, named.Origin(), own, false)
		if err != nil {
			m.errs.add("", "-type %s: %v", name, err)
			return
		}
		t.self = self
	}
	m.types = append(m.types, t)
}

// receiver is the type that has t's methods.
func (t *target) receiver() types.Type {
	if t.iface {
		return t.self
	}
	return types.NewPointer(t.self)
}

// addMethods adds the methods of all types, once they are known.
func (m *model) addMethods() {
	for _, t := range m.types {
		t.held = m.rules.find("", t.name(), "held")
		t.lane = t.held != nil
		t.notes = m.rules.notes("", t.name())
		set := types.NewMethodSet(t.receiver())
		for s := range set.Methods() {
			if fn := s.Obj().(*types.Func); fn.Exported() {
				// The selection's signature has the type's own type parameters,
				// even for a method of an embedded type.
				t.methods = append(t.methods, m.method(t, fn, s.Type().(*types.Signature)))
			}
		}
		if r := m.rules.find("", t.name(), "drop"); r != nil {
			t.drop = r.args[0]
			m.setDrop(t, r, set.Lookup(m.d.pkg, t.drop))
		}
	}
	m.spreadLanes()
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

// addFunc adds a function of -func.
func (m *model) addFunc(name string) {
	fn, ok := m.d.pkg.Scope().Lookup(name).(*types.Func)
	if !ok || !fn.Exported() {
		m.errs.add("", "-func %s: %s has no exported function of this name", name, m.d.pkg.Path())
		return
	}
	m.funcs = append(m.funcs, m.method(nil, fn, fn.Signature()))
}

// method classifies a method or function.
func (m *model) method(owner *target, fn *types.Func, sig *types.Signature) *method {
	x := &method{owner: owner, fn: fn, sig: sig, name: fn.Name(), deprecated: m.d.deprecated(fn)}
	params, results := vars(sig.Params()), vars(sig.Results())
	x.hasCtx = len(params) > 0 && isContext(params[0].Type())
	x.hasErr = len(results) > 0 && isError(results[len(results)-1].Type())
	x.checked = !x.hasErr && len(results) == 1 && hasErr(results[0].Type())
	x.blocks = x.hasCtx || x.hasErr || x.checked
	m.applyRules(x)
	if x.way == waySkip || x.way == wayManual {
		return x
	}
	for _, v := range append(params, results...) {
		if hidden := m.visible.hidden(v.Type()); hidden != "" {
			m.needRule(x, fmt.Sprintf("its signature has %s, which no other package can write", hidden), "manual", "skip")
			break
		}
	}
	if !x.blocks && x.way == wayCall && m.rules.find(m.owner(x), fn.Name(), "call") == nil {
		for _, v := range params {
			if isContext(v.Type()) {
				m.needRule(x, "it has a context, but not as its first parameter, and no error", "call", "pass")
			}
		}
		if !x.release && !x.long && x.via == "" {
			x.way = wayPass
		}
	}
	return x
}

func (m *model) owner(x *method) string {
	if x.owner == nil {
		return ""
	}
	return x.owner.name()
}

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

// spreadLanes finds the types that come from held ones.
func (m *model) spreadLanes() {
	for changed := true; changed; {
		changed = false
		for _, t := range m.types {
			for _, x := range t.methods {
				if x.way == waySkip || x.way == wayManual {
					continue
				}
				for _, v := range x.results() {
					if r := m.target(v.Type()); r != nil && t.lane && !r.lane {
						r.lane, changed = true, true
					}
				}
			}
		}
	}
}

// target returns the target whose wrapper stands for a type of the driver's, or
// nil.
func (m *model) target(t types.Type) *target {
	t = types.Unalias(t)
	pointer, isPointer := t.(*types.Pointer)
	if isPointer {
		t = types.Unalias(pointer.Elem())
	}
	named, ok := t.(*types.Named)
	if !ok {
		return nil
	}
	for _, c := range m.types {
		if types.Unalias(c.self).(*types.Named).Origin() == named.Origin() && c.iface != isPointer {
			return c
		}
	}
	return nil
}
