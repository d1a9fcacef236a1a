package main

import (
	"fmt"
	"go/types"
	"strings"
)

// wrapper writes the types with callbacks.
type wrapper struct {
	*file
	m                              *model
	adapter, loop, context, driver string // names of packages
	errOnly, inLane                string // names of helpers
	usesErrOnly, usesInLane        bool
}

func (m *model) wrapperFile(comment string) string {
	w := &wrapper{file: newFile(m.out), m: m}
	for _, t := range m.types {
		w.taken[t.name()] = true
	}
	w.driver = w.use(m.d.pkg.Path(), m.d.pkg.Name())
	w.context = w.use("context", "context")
	w.adapter = w.use(adapterPath, "adapter")
	w.errOnly, w.inLane = w.free("errOnly"), w.free("inLane")
	for _, t := range m.types {
		w.typeDecl(t)
		for _, x := range t.methods {
			w.method(x)
		}
	}
	for _, x := range m.funcs {
		w.method(x)
	}
	for _, t := range m.types {
		if t.returned {
			w.wrapFunc(t)
		}
	}
	if w.usesErrOnly {
		w.printf(`
// %[1]s makes a callback of one that wants the error only, or nothing.
func %[1]s(cb func(error)) func(struct{}, error) {
	return func(_ struct{}, err error) {
		if cb != nil {
			cb(err)
		}
	}
}
`, w.errOnly)
	}
	if w.usesInLane {
		w.printf(`
// %[1]s makes a call one of a held object's, if lane is not nil.
func %[1]s(lane *%[2]s.Lane) %[2]s.CallOption {
	if lane == nil {
		return %[2]s.CallOption{}
	}
	return %[2]s.Options(%[2]s.Held(), %[2]s.In(lane))
}
`, w.inLane, w.adapter)
	}
	return w.header(comment) + w.code.String()
}

// free returns name, or one like it that the package does not have.
func (f *file) free(name string) string {
	free := name
	for i := 2; f.taken[free]; i++ {
		free = name + itoa(i)
	}
	f.taken[free] = true
	return free
}

// wrapName is the function that wraps what a method has returned.
func (t *target) wrapName() string { return "wrap" + t.name() }

// typeParams are those of a declaration and those of a use.
func (f *file) typeParams(list *types.TypeParamList) (decl, use string) {
	if list.Len() == 0 {
		return "", ""
	}
	var decls, uses []string
	for p := range list.TypeParams() {
		name := p.Obj().Name()
		uses = append(uses, name)
		decls = append(decls, name+" "+f.typ(p.Constraint()))
	}
	return "[" + strings.Join(decls, ", ") + "]", "[" + strings.Join(uses, ", ") + "]"
}

// star is how the driver's own type is held: an interface as it is.
func (t *target) star() string {
	if t.iface {
		return ""
	}
	return "*"
}

// receiverName is that of the methods written by hand, or an initial.
func (o *output) receiverName(f *file, t *target) string {
	for _, x := range t.methods {
		if d := o.methods[t.name()+"."+x.name]; d != nil && len(d.Recv.List[0].Names) == 1 {
			return d.Recv.List[0].Names[0].Name
		}
	}
	name := strings.ToLower(t.name()[:1])
	if name == "v" || name == "a" || f.taken[name] {
		name = "self"
	}
	return name
}

func (w *wrapper) typeDecl(t *target) {
	decl, use := w.typeParams(t.tparams)
	name, raw, recv := t.name(), t.star()+w.of(t.obj)+use, w.m.out.receiverName(w.file, t)
	w.loop = w.use(loopPath, "loop")
	w.deprecated = w.deprecated || w.m.d.deprecated(t.obj) != ""
	doc := []string{fmt.Sprintf("%s is [%s] under callbacks.", name, w.of(t.obj))}
	doc = append(doc, t.notes...)
	if t.held != nil {
		doc = append(doc, sentence(t.held.reason), "Its calls run in the order of starting, one after another, and take no slots.")
	}
	doc = append(doc, fmt.Sprintf("Its methods may be called from any goroutine, and none blocks; callbacks run on the executor of the adapter, or the one given to [%s.On].", name),
		"What is passed to a call is read on another goroutine, and must not be changed before the callback.")
	lane := ""
	if t.lane {
		lane = fmt.Sprintf("\tlane *%s.Lane // its calls'\n", w.adapter)
		if t.held == nil {
			lane = fmt.Sprintf("\tlane *%s.Lane // of what it comes from, or nil\n", w.adapter)
		}
	}
	w.printf("\n%stype %s%s struct {\n\ta *%s.Adapter\n%s\tx %s\n}\n", comment(doc, w.m.d.deprecated(t.obj)), name, decl, w.adapter, lane, raw)

	made := "a: a, x: x"
	if t.held != nil {
		made = fmt.Sprintf("a: a, lane: new(%s.Lane), x: x", w.adapter)
	}
	w.printf("\n%sfunc New%s%s(a *%s.Adapter, x %s) *%s%s { return &%s%s{%s} }\n",
		comment([]string{fmt.Sprintf("New%s wraps x, whose calls a starts.", name)}, ""),
		name, decl, w.adapter, raw, name, use, name, use, made)

	w.printf("\n%sfunc (%[2]s *%[3]s%[4]s) On(exec %[5]s.Executor) *%[3]s%[4]s {\n\tview := *%[2]s\n\tview.a = %[2]s.a.On(exec)\n\treturn &view\n}\n",
		comment([]string{fmt.Sprintf("On returns a view of the same %s whose callbacks run on exec, such as a front end's connection.", name)}, ""),
		recv, name, use, w.loop)

	guard := ""
	if t.taken {
		guard = fmt.Sprintf("\tif %s == nil {\n\t\treturn nil\n\t}\n", recv)
	}
	w.printf("\n%sfunc (%s *%s%s) Unwrap() %s {\n%s\treturn %s.x\n}\n",
		comment([]string{"Unwrap returns the driver's own, for bodies: its methods block."}, ""),
		recv, name, use, raw, guard, recv)
}

// wrapFunc writes what wraps a method's result.
func (w *wrapper) wrapFunc(t *target) {
	decl, use := w.typeParams(t.tparams)
	param, made := "", "a, v"
	if t.lane {
		param, made = fmt.Sprintf(", lane *%s.Lane", w.adapter), "a, lane, v"
	}
	w.printf("\nfunc %s%s(a *%s.Adapter%s, v %s%s%s) *%s%s {\n\tif v == nil {\n\t\treturn nil\n\t}\n",
		t.wrapName(), decl, w.adapter, param, t.star(), w.of(t.obj), use, t.name(), use)
	if t.held != nil {
		w.printf("\tif lane == nil {\n\t\tlane = new(%s.Lane)\n\t}\n", w.adapter)
	}
	w.printf("\treturn &%s%s{%s}\n}\n", t.name(), use, made)
}

// mapped is how the wrappers write a type of the driver's signatures.
func (w *wrapper) mapped(t types.Type) string {
	c := w.m.target(t)
	if c == nil {
		return w.typ(t)
	}
	return "*" + c.name() + w.typeArgs(t)
}

// typeArgs are those of a target's instance.
func (f *file) typeArgs(t types.Type) string {
	t = types.Unalias(t)
	if p, ok := t.(*types.Pointer); ok {
		t = types.Unalias(p.Elem())
	}
	var args []string
	for a := range t.(*types.Named).TypeArgs().Types() {
		args = append(args, f.typ(a))
	}
	if len(args) == 0 {
		return ""
	}
	return "[" + strings.Join(args, ", ") + "]"
}

// wrapped is an expression that wraps v, of type t, for x's caller.
func (w *wrapper) wrapped(x *method, recv string, t types.Type, v string) string {
	c := w.m.target(t)
	if c == nil {
		return v
	}
	a := "a"
	if x.owner != nil {
		a = recv + ".a"
	}
	if !c.lane {
		return fmt.Sprintf("%s(%s, %s)", c.wrapName(), a, v)
	}
	return fmt.Sprintf("%s(%s, %s, %s)", c.wrapName(), a, lane(x, recv), v)
}

// lane is the lane of x's calls.
func lane(x *method, recv string) string {
	if x.owner == nil || !x.owner.lane {
		return "nil"
	}
	return recv + ".lane"
}
