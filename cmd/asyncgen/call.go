package main

import (
	"fmt"
	"go/types"
	"strings"
)

// parts are the pieces of a method's declaration.
type parts struct {
	recv           string
	fixed          []string // parameters, "query string"
	variadic       string   // "args ...any", or ""
	args           []string // as they are passed to the driver
	results        []string // types
	decl, receiver string   // of generic functions and of methods
}

// parts names the parameters of x.
func (w *wrapper) parts(x *method) *parts {
	p := &parts{}
	own := []string{"a", "cb", "ctx", "v", "err"}
	if x.owner != nil {
		p.recv = w.m.out.receiverName(w.file, x.owner)
		_, use := w.typeParams(x.owner.tparams)
		p.receiver = fmt.Sprintf("(%s *%s%s) ", p.recv, x.owner.name(), use)
		own = append(own, p.recv)
	} else {
		p.decl, _ = w.typeParams(x.sig.TypeParams())
	}
	for i, v := range x.results() {
		own = append(own, fmt.Sprint("r", i+1))
		p.results = append(p.results, w.mapped(v.Type()))
	}
	params := x.params()
	for _, v := range params { // before names are given: these may be taken by imports
		w.mapped(v.Type())
	}
	s := w.newScope(own...)
	for i, v := range params {
		name := s.pick(v.Name(), fmt.Sprint("arg", i+1))
		if x.sig.Variadic() && i == len(params)-1 {
			p.variadic = name + " ..." + w.typ(v.Type().(*types.Slice).Elem())
			p.args = append(p.args, name+"...")
			continue
		}
		p.fixed = append(p.fixed, name+" "+w.mapped(v.Type()))
		if c := w.m.target(v.Type()); c != nil {
			name += ".Unwrap()"
		}
		p.args = append(p.args, name)
	}
	return p
}

func (w *wrapper) method(x *method) {
	w.noteDeprecated(w.m.d, x)
	switch x.way {
	case wayCall:
		w.call(x)
	case wayPass:
		w.pass(x)
	}
}

// noteDeprecated sets that the file uses what is deprecated where that needs an
// excuse.
func (f *file) noteDeprecated(d *driver, x *method) {
	f.deprecated = f.deprecated || x.way != waySkip && x.deprecated == "" && d.usesDeprecated(append(vars(x.sig.Params()), vars(x.sig.Results())...)...)
}

// link is the doc link to the driver's method or function.
func (w *wrapper) link(fn *types.Func, x *method) string {
	if x.owner == nil {
		return "[" + w.of(fn) + "]"
	}
	return "[" + w.of(x.owner.obj) + "." + fn.Name() + "]"
}

// callee is what x calls of the driver's, with the arguments.
func (w *wrapper) callee(x *method, p *parts, args []string) string {
	fn := x.fn
	if x.viaCall != nil {
		fn = x.viaCall
	}
	f := p.recv + ".x." + fn.Name()
	if x.owner == nil {
		_, use := w.typeParams(x.sig.TypeParams())
		f = w.of(fn) + use
	}
	return f + "(" + strings.Join(args, ", ") + ")"
}

// pass writes a method that does not block.
func (w *wrapper) pass(x *method) {
	p := w.parts(x)
	params := p.fixed
	if x.hasCtx {
		params = append([]string{"ctx " + w.context + ".Context"}, params...)
		p.args = append([]string{"ctx"}, p.args...)
	}
	wraps := false
	for _, v := range x.results() {
		wraps = wraps || w.m.target(v.Type()) != nil
	}
	if x.owner == nil && wraps {
		params = append([]string{"a *" + w.adapter + ".Adapter"}, params...)
	}
	if p.variadic != "" {
		params = append(params, p.variadic)
	}
	results := p.results
	if x.hasErr {
		results = append(results, "error")
	}
	doc := append([]string{fmt.Sprintf("%s is %s, which does not block.", x.name, w.link(x.fn, x))}, x.notes...)
	w.printf("\n%sfunc %s%s%s(%s) ", comment(doc, x.deprecated), p.receiver, x.name, p.decl, strings.Join(params, ", "))
	switch len(results) {
	case 0:
	case 1:
		w.printf("%s ", results[0])
	default:
		w.printf("(%s) ", strings.Join(results, ", "))
	}
	call := w.callee(x, p, p.args)
	switch {
	case len(results) == 0:
		w.printf("{ %s }\n", call)
	case !wraps:
		w.printf("{ return %s }\n", call)
	case len(results) == 1:
		w.printf("{ return %s }\n", w.wrapped(x, p.recv, x.results()[0].Type(), call))
	default:
		vars, values := w.locals(x, p)
		if x.hasErr {
			vars, values = append(vars, "err"), append(values, "err")
		}
		w.printf("{\n\t%s := %s\n\treturn %s\n}\n", strings.Join(vars, ", "), call, strings.Join(values, ", "))
	}
}

// locals are variables for x's results, and what the caller gets of them.
func (w *wrapper) locals(x *method, p *parts) (vars, values []string) {
	for i, v := range x.results() {
		name := fmt.Sprint("r", i+1)
		vars = append(vars, name)
		values = append(values, w.wrapped(x, p.recv, v.Type(), name))
	}
	return vars, values
}

// call writes a method that blocks.
func (w *wrapper) call(x *method) {
	p := w.parts(x)
	ctx, bodyCtx, params := w.context+".Background()", "", []string(nil)
	if x.hasCtx {
		ctx, bodyCtx, params = "ctx", "ctx ", []string{"ctx " + w.context + ".Context"}
		p.args = append([]string{"ctx"}, p.args...)
	}
	a := p.recv + ".a"
	if x.owner == nil {
		a, params = "a", append(params, "a *"+w.adapter+".Adapter")
	}
	params = append(params, p.fixed...)
	value, callback, adapt, lines := w.body(x, p)
	if x.via != "" {
		callback = w.m.out.callback(w.file, x.via, "")
	}
	params = append(params, "cb "+callback)
	if p.variadic != "" {
		params = append(params, p.variadic)
	}
	start := fmt.Sprintf("%s.Go(%s, %s, ", w.adapter, ctx, a)
	switch {
	case x.via != "":
		start = fmt.Sprintf("%s(%s, %s, %s, ", x.via, ctx, a, lane(x, p.recv))
	case w.m.start != "":
		start = fmt.Sprintf("%s(%s, %s, ", w.m.start, ctx, a)
	}
	w.printf("\n%sfunc %s%s%s(%s) *%s.Call {\n\treturn %sfunc(%s%s.Context) (%s, error) {\n\t\t%s\n\t}, %s, %s)\n}\n",
		w.callDoc(x, callback), p.receiver, x.name, p.decl, strings.Join(params, ", "), w.adapter,
		start, bodyCtx, w.context, value, strings.Join(lines, "\n\t\t"), adapt, w.options(x, p, value))
}

// body returns the type of the value that x's body returns, how the callback is
// written and adapted to that, and the lines of the body.
func (w *wrapper) body(x *method, p *parts) (value, callback, adapt string, lines []string) {
	call, results := w.callee(x, p, p.args), x.results()
	hasErr := x.hasErr
	if x.viaCall != nil {
		other := vars(x.viaCall.Signature().Results())
		results, hasErr = other[:1], len(other) == 2
	}
	switch {
	case x.via != "":
		if len(results) != 1 {
			w.m.errs.add("", "%s: via is for methods with one result, and an error perhaps; use manual", x.subject())
			return
		}
		value, adapt = w.typ(results[0].Type()), "cb"
		if lines = []string{"return " + call}; !hasErr {
			lines[0] += ", nil"
		}
	case len(results) == 0:
		value, callback, adapt = "struct{}", "func(error)", w.errOnly+"(cb)"
		w.usesErrOnly = true
		if lines = []string{"return struct{}{}, " + call}; !hasErr {
			lines = []string{call, "return struct{}{}, nil"}
		}
	case len(results) == 1:
		value, adapt = p.results[0], "cb"
		callback = "func(" + value + ", error)"
		wraps := w.m.target(results[0].Type()) != nil
		switch {
		case hasErr && wraps:
			lines = []string{
				"v, err := " + call, "if err != nil {", "\treturn nil, err", "}",
				"return " + w.wrapped(x, p.recv, results[0].Type(), "v") + ", nil",
			}
		case hasErr:
			lines = []string{"return " + call}
		case x.checked:
			lines = []string{"v := " + call, "return " + w.wrapped(x, p.recv, results[0].Type(), "v") + ", v.Err()"}
		default:
			lines = []string{"return " + w.wrapped(x, p.recv, results[0].Type(), call) + ", nil"}
		}
	default:
		locals, values := w.locals(x, p)
		var fields, got []string
		for i, r := range p.results {
			fields = append(fields, locals[i]+" "+r)
			got = append(got, "v."+locals[i])
		}
		value = "struct {\n" + strings.Join(fields, "\n") + "\n}"
		callback = "func(" + strings.Join(p.results, ", ") + ", error)"
		adapt = fmt.Sprintf("func(v %s, err error) { cb(%s, err) }", value, strings.Join(got, ", "))
		err := "nil"
		if hasErr {
			locals, err = append(locals, "err"), "err"
		}
		lines = []string{strings.Join(locals, ", ") + " := " + call, fmt.Sprintf("return %s{%s}, %s", value, strings.Join(values, ", "), err)}
	}
	return value, callback, adapt, lines
}

func (w *wrapper) callDoc(x *method, callback string) string {
	doc := append([]string{fmt.Sprintf("%s is %s.", x.name, w.link(x.fn, x))}, x.notes...)
	if !x.hasCtx {
		doc = append(doc, "No context bounds it.")
	}
	if x.checked && x.via == "" {
		doc = append(doc, "If its result has an error, cb gets that too.")
	}
	for _, v := range x.results() {
		if x.via == "" && w.m.target(v.Type()) == nil && blocking(v.Type(), w.m.d.pkg) {
			doc = append(doc, fmt.Sprintf("The methods of the %s that take a context block: call them in a body of [%s.Go].", w.typ(v.Type()), w.adapter))
		}
	}
	if callback == "func(error)" {
		doc = append(doc, "A nil cb is allowed.")
	}
	return comment(doc, x.deprecated)
}

// options are those that x's calls are started with.
func (w *wrapper) options(x *method, p *parts, value string) string {
	var opts []string
	held := x.owner != nil && x.owner.held != nil
	switch {
	case x.release:
		opts = append(opts, w.adapter+".Releasing()")
	case held:
		opts = append(opts, w.adapter+".Held()")
	case x.long:
		opts = append(opts, w.adapter+".Long()")
	}
	if held {
		opts = append(opts, fmt.Sprintf("%s.In(%s.lane)", w.adapter, p.recv))
	}
	opts = append(opts, fmt.Sprintf("%s.Name(%q)", w.adapter, x.name))
	if drop := w.drop(x, value); drop != "" {
		opts = append(opts, fmt.Sprintf("%s.OnDrop(func(v any) { %s })", w.adapter, drop))
	}
	list := strings.Join(opts, ", ")
	if x.owner != nil && x.owner.lane && !held {
		w.usesInLane = true
		return fmt.Sprintf("%s(%s.lane), %s", w.inLane, p.recv, list)
	}
	return list
}

// drop is a statement that ends what nobody got.
func (w *wrapper) drop(x *method, value string) string {
	if x.drop != "" {
		return fmt.Sprintf("%s(v.(%s))", x.drop, value)
	}
	results := x.results()
	if x.via != "" || len(results) != 1 {
		return ""
	}
	c := w.m.target(results[0].Type())
	if c == nil || c.drop == "" {
		return ""
	}
	arg := ""
	if c.dropCtx {
		arg = w.context + ".Background()"
	}
	return fmt.Sprintf("v.(%s).x.%s(%s)", value, c.drop, arg)
}
