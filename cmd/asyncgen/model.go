package main

import (
	"fmt"
	"go/types"
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
	start   string // a function in place of adapter.Go, or ""
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

// ofValues reports whether all its methods can be called on a struct that has no
// address, as what a function returns has none.
func (t *target) ofValues() bool {
	_, isStruct := t.self.Underlying().(*types.Struct)
	own := types.NewMethodSet(t.self)
	for _, x := range t.methods {
		if own.Lookup(x.fn.Pkg(), x.fn.Name()) == nil {
			return false
		}
	}
	return isStruct
}

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
