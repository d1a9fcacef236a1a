package main

import (
	"fmt"
	"go/types"
	"path/filepath"
	"strings"
)

// facade writes the types with the driver's own methods.
type facade struct {
	*file
	m              *model
	out            *output
	async, adapter string // names of packages
}

func (m *model) facadeFile(name, comment string) (string, error) {
	out, err := readOutput(filepath.Dir(name), name)
	if err != nil {
		return "", err
	}
	f := &facade{file: newFile(out), m: m, out: out}
	for _, t := range m.types {
		f.taken[t.name()] = true
	}
	f.use(m.d.pkg.Path(), m.d.pkg.Name())
	f.adapter = f.use(adapterPath, "adapter")
	f.async = f.use(m.out.path, "async"+strings.TrimPrefix(m.out.name, "async"))
	for _, t := range m.types {
		f.typeDecl(t)
		for _, x := range t.methods {
			if !out.hasMethod(t.name(), x.fn.Name()) {
				f.method(x)
			}
		}
	}
	if len(m.errs.list) > 0 {
		return "", nil // they are reported
	}
	return formatted(f.header(comment) + f.code.String())
}

func (f *facade) typeDecl(t *target) {
	decl, use := f.typeParams(t.tparams)
	name := t.name()
	f.deprecated = f.deprecated || f.m.d.deprecated(t.obj) != ""
	f.printf("\n%stype %s%s struct{ x *%s.%s%s }\n",
		comment([]string{fmt.Sprintf("%s has the methods of [%s], which run through callbacks.", name, f.of(t.obj))}, f.m.d.deprecated(t.obj)),
		name, decl, f.async, name, use)
	f.printf(`
// New%[1]s returns a %[1]s whose calls are x's; nil for nil.
func New%[1]s%[2]s(x *%[3]s.%[1]s%[4]s) *%[1]s%[4]s {
	if x == nil {
		return nil
	}
	return &%[1]s%[4]s{x}
}
`, name, decl, f.async, use)
	if t.taken {
		recv := f.out.receiverName(f.file, t)
		f.printf("\nfunc (%[1]s *%[2]s%[3]s) unwrap() *%[4]s.%[2]s%[3]s {\n\tif %[1]s == nil {\n\t\treturn nil\n\t}\n\treturn %[1]s.x\n}\n",
			recv, name, use, f.async)
	}
}

// own is how the facade writes a type of the driver's signatures: by its own
// types, generated or written by hand.
func (f *facade) own(t types.Type) string {
	if c := f.m.target(t); c != nil {
		return "*" + c.name() + f.typeArgs(t)
	}
	star, base := "", types.Unalias(t)
	if p, ok := base.(*types.Pointer); ok {
		star, base = "*", types.Unalias(p.Elem())
	}
	if n, ok := base.(*types.Named); ok && n.Obj().Pkg() == f.m.d.pkg && f.out.declaresType(n.Obj().Name()) {
		return star + n.Obj().Name()
	}
	return f.typ(t)
}

// wrapped is how the wrappers write it.
func (f *facade) wrapped(t types.Type) string {
	if c := f.m.target(t); c != nil {
		return "*" + f.async + "." + c.name() + f.typeArgs(t)
	}
	return f.typ(t)
}

// fromWrapper makes the facade's value of v, which is the wrapper's.
func (f *facade) fromWrapper(t types.Type, v string) string {
	if c := f.m.target(t); c != nil {
		return "New" + c.name() + "(" + v + ")"
	}
	return v
}

func (f *facade) method(x *method) {
	needsHand := func(why string) {
		f.m.errs.add("", "%s.%s %s, so that package %s in %s must have it, written by hand",
			x.owner.name(), x.fn.Name(), why, f.out.name, f.out.dir)
	}
	switch {
	case visibility{f.out.path}.hidden(x.sig) != "": // nobody could write it
		return
	case x.way == wayManual:
		needsHand("is written by hand in package " + f.m.out.name)
		return
	case x.way == waySkip && x.standIn == "":
		needsHand("is skipped")
		return
	}
	f.noteDeprecated(f.m.d, x)
	p := f.parts(x)
	results := ""
	var list []string
	for v := range x.sig.Results().Variables() {
		list = append(list, f.own(v.Type()))
	}
	if results = strings.Join(list, ", "); len(list) > 1 {
		results = "(" + results + ")"
	}
	params := p.fixed
	if x.hasCtx {
		params = append([]string{"ctx " + f.use("context", "context") + ".Context"}, params...)
	}
	if p.variadic != "" {
		params = append(params, p.variadic)
	}
	doc := []string{fmt.Sprintf("%s is [%s.%s].", x.fn.Name(), f.of(x.owner.obj), x.fn.Name())}
	var lines []string
	switch x.way {
	case waySkip:
		line, why := f.instead(x, p)
		if why != "" {
			needsHand(why)
			return
		}
		lines = []string{line}
	case wayPass:
		lines = f.passed(x, p)
	case wayCall:
		var panics bool
		if lines, panics = f.waited(x, p); panics {
			doc = append(doc, "It panics if the adapter fails, since it returns no error.")
		}
	}
	f.printf("\n%sfunc %s%s(%s) %s {\n\t%s\n}\n", comment(doc, x.deprecated), p.receiver, x.fn.Name(), strings.Join(params, ", "), results, strings.Join(lines, "\n\t"))
}

// parts names the parameters of x, as the facade writes them.
func (f *facade) parts(x *method) *parts {
	p := &parts{recv: f.out.receiverName(f.file, x.owner)}
	_, use := f.typeParams(x.owner.tparams)
	star := "*"
	if x.owner.ofValues() {
		star = ""
	}
	p.receiver = fmt.Sprintf("(%s %s%s%s) ", p.recv, star, x.owner.name(), use)
	params := x.params()
	for _, v := range params {
		f.own(v.Type())
	}
	s := f.newScope(p.recv, "cb", "ctx", "v", "err", "r1", "r2", "r3", "r4")
	for i, v := range params {
		name := s.pick(v.Name(), fmt.Sprint("arg", i+1))
		if x.sig.Variadic() && i == len(params)-1 {
			p.variadic = name + " ..." + f.typ(v.Type().(*types.Slice).Elem())
			p.args = append(p.args, name+"...")
			continue
		}
		p.fixed = append(p.fixed, name+" "+f.own(v.Type()))
		p.args = append(p.args, name)
	}
	return p
}

// instead calls the method that stands in for x, or says why it cannot.
func (f *facade) instead(x *method, p *parts) (line, why string) {
	other := f.m.sibling(x, x.standIn)
	args := p.args
	same := types.Identical(other.sig.Results(), x.sig.Results()) && other.sig.Variadic() == x.sig.Variadic()
	theirs, mine := other.params(), x.params()
	if same = same && len(theirs) == len(mine); same {
		for i, v := range theirs {
			same = same && types.Identical(v.Type(), mine[i].Type())
		}
	}
	if !same {
		return "", "is skipped in favour of " + x.standIn + ", whose signature differs by more than a context"
	}
	if other.hasCtx {
		ctx := "ctx"
		if !x.hasCtx {
			ctx = f.use("context", "context") + ".Background()"
		}
		args = append([]string{ctx}, args...)
	}
	line = fmt.Sprintf("%s.%s(%s)", p.recv, x.standIn, strings.Join(args, ", "))
	if x.sig.Results().Len() > 0 {
		line = "return " + line
	}
	return line, ""
}

// toWrapper are the arguments for the wrapper's method, with cb, if it is not
// "", before a variadic one.
func (f *facade) toWrapper(x *method, p *parts, cb string) string {
	var args []string
	if x.hasCtx {
		args = append(args, "ctx")
	}
	for i, v := range x.params() {
		arg := p.args[i]
		if f.m.target(v.Type()) != nil {
			arg += ".unwrap()"
		}
		if cb != "" && p.variadic != "" && i == len(p.args)-1 {
			args, cb = append(args, cb), ""
		}
		args = append(args, arg)
	}
	if cb != "" {
		args = append(args, cb)
	}
	return fmt.Sprintf("%s.x.%s(%s)", p.recv, x.name, strings.Join(args, ", "))
}

func (f *facade) passed(x *method, p *parts) []string {
	call := f.toWrapper(x, p, "")
	all := vars(x.sig.Results())
	switch len(all) {
	case 0:
		return []string{call}
	case 1:
		return []string{"return " + f.fromWrapper(all[0].Type(), call)}
	}
	var names, values []string
	for i, v := range all {
		name := fmt.Sprint("r", i+1)
		names, values = append(names, name), append(values, f.fromWrapper(v.Type(), name))
	}
	return []string{strings.Join(names, ", ") + " := " + call, "return " + strings.Join(values, ", ")}
}

// waited starts x's call and waits for it.
func (f *facade) waited(x *method, p *parts) (lines []string, panics bool) {
	results := x.results()
	start := fmt.Sprintf("func(cb func(error)) { %s }", f.toWrapper(x, p, "cb"))
	switch {
	case x.via != "":
		ctx := "ctx"
		if !x.hasCtx {
			ctx = f.use("context", "context") + ".Background()"
		}
		cb := f.m.out.callback(f.file, x.via, f.async)
		return []string{fmt.Sprintf("return %s(%s, func(cb %s) { %s })", x.via, ctx, cb, f.toWrapper(x, p, "cb"))}, false
	case len(results) == 0 && x.hasErr:
		return []string{fmt.Sprintf("return %s.WaitErr(%s)", f.adapter, start)}, false
	case len(results) == 0:
		return []string{fmt.Sprintf("if err := %s.WaitErr(%s); err != nil {", f.adapter, start), "\tpanic(err)", "}"}, true
	case len(results) > 1:
		return f.waitedMany(x, p), !x.hasErr
	}
	t := results[0].Type()
	wait := fmt.Sprintf("%s.Wait(func(cb func(%s, error)) { %s })", f.adapter, f.wrapped(t), f.toWrapper(x, p, "cb"))
	value := f.fromWrapper(t, "v")
	switch {
	case x.hasErr && value == "v":
		return []string{"return " + wait}, false
	case x.hasErr:
		return []string{"v, err := " + wait, "return " + value + ", err"}, false
	}
	failed := "err != nil"
	if x.checked {
		failed = "v == nil" // otherwise the error is v's own
		switch types.Unalias(t).Underlying().(type) {
		case *types.Pointer, *types.Interface:
		default:
			return []string{"v, _ := " + wait + " // it has the error", "return " + value}, false
		}
	}
	return []string{"v, err := " + wait, "if " + failed + " {", "\tpanic(err)", "}", "return " + value}, true
}

// waitedMany is for several results.
func (f *facade) waitedMany(x *method, p *parts) []string {
	var lines, params, got, values []string
	for i, v := range x.results() {
		name := fmt.Sprint("r", i+1)
		lines = append(lines, fmt.Sprintf("var %s %s", name, f.wrapped(v.Type())))
		params = append(params, fmt.Sprintf("v%d %s", i+1, f.wrapped(v.Type())))
		got = append(got, fmt.Sprint("v", i+1))
		values = append(values, f.fromWrapper(v.Type(), name))
	}
	names := strings.ReplaceAll(strings.Join(got, ", "), "v", "r")
	cb := fmt.Sprintf("func(%s, err error) {\n\t%s = %s\n\tcb(err)\n}", strings.Join(params, ", "), names, strings.Join(got, ", "))
	lines = append(lines, fmt.Sprintf("err := %s.WaitErr(func(cb func(error)) {\n\t%s\n})", f.adapter, f.toWrapper(x, p, cb)))
	if !x.hasErr {
		return append(lines, "if err != nil {", "\tpanic(err)", "}", "return "+strings.Join(values, ", "))
	}
	return append(lines, "return "+strings.Join(values, ", ")+", err")
}
