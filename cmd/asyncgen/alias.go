package main

import (
	"fmt"
	"go/types"
	"path/filepath"
	"strings"
)

// aliasFile is the text of the file name, with aliases of what the driver
// exports. wrappers is the file of the wrappers, which is of the same package,
// or is not.
func (m *model) aliasFile(name, wrappers, header string) (string, error) {
	// What other generators' files declare counts as the package's own.
	out, err := readOutput(filepath.Dir(name), name)
	if err != nil {
		return "", err
	}
	own := map[string]bool{}
	for name := range out.decls {
		own[name] = true
	}
	if filepath.Dir(name) == filepath.Dir(wrappers) {
		for _, t := range m.types {
			own[t.name()], own["New"+t.name()] = true, true
		}
		for _, x := range m.funcs {
			own[x.name] = true
		}
	}
	f := newFile(out)
	visible := visibility{out.path}
	pkg := f.use(m.d.pkg.Path(), m.d.pkg.Name())
	groups := map[string][]string{}
	var kept []string
	scope := m.d.pkg.Scope()
	for _, name := range scope.Names() {
		obj := scope.Lookup(name)
		switch {
		case !obj.Exported() || m.rules.find("", name, "skip") != nil:
			continue
		case own[name]:
			kept = append(kept, name)
			continue
		}
		deprecated := m.d.deprecated(obj)
		doc := func(text string) string { return comment([]string{text}, deprecated) }
		if _, isFunc := obj.(*types.Func); !isFunc && deprecated != "" {
			f.deprecated = true
		}
		switch obj := obj.(type) {
		case *types.TypeName:
			decl, use := "", ""
			if named, ok := types.Unalias(obj.Type()).(*types.Named); ok && !obj.IsAlias() {
				if hiddenParams(visible, named.TypeParams()) {
					m.errs.add("", "%s cannot be aliased, since a constraint of it is hidden; add a rule: %q", name, name+" skip -- why")
					continue
				}
				decl, use = f.typeParams(named.TypeParams())
			} else if a, ok := obj.Type().(*types.Alias); ok {
				decl, use = f.typeParams(a.TypeParams())
			}
			groups["type"] = append(groups["type"], fmt.Sprintf("%s%s%s = %s.%s%s\n", doc(fmt.Sprintf("%s is [%s.%s].", name, pkg, name)), name, decl, pkg, name, use))
		case *types.Const:
			groups["const"] = append(groups["const"], fmt.Sprintf("%s%s = %s.%s\n", doc(fmt.Sprintf("%s is [%s.%s].", name, pkg, name)), name, pkg, name))
		case *types.Var:
			groups["var"] = append(groups["var"], fmt.Sprintf("%s%s = %s.%s\n", doc(fmt.Sprintf("%s is a copy of [%s.%s].", name, pkg, name)), name, pkg, name))
		case *types.Func:
			if h := visible.hidden(obj.Signature()); h != "" && obj.Signature().TypeParams().Len() > 0 {
				m.errs.add("", "%s cannot be aliased: it is generic, and its signature has %s; add a rule: %q", name, h, name+" skip -- why")
				continue
			}
			groups["func"] = append(groups["func"], f.forward(obj, pkg, visible, doc))
		}
	}
	for _, kind := range []string{"type", "const", "var"} {
		if len(groups[kind]) > 0 {
			f.printf("\n%s (\n%s)\n", kind, strings.Join(groups[kind], "\n"))
		}
	}
	f.printf("%s", strings.Join(groups["func"], ""))
	note := ""
	if len(kept) > 0 {
		note = "\n" + comment([]string{fmt.Sprintf("The package has its own %s.", enumerate(kept))}, "")
	}
	return formatted(f.header(header) + note + f.code.String())
}

// enumerate joins names as a sentence does.
func enumerate(names []string) string {
	last := len(names) - 1
	if last == 0 {
		return names[0]
	}
	return strings.Join(names[:last], ", ") + " and " + names[last]
}

func hiddenParams(v visibility, list *types.TypeParamList) bool {
	for p := range list.TypeParams() {
		if v.hidden(p.Constraint()) != "" {
			return true
		}
	}
	return false
}

// forward writes a function that calls the driver's.
func (f *file) forward(fn *types.Func, pkg string, visible visibility, doc func(string) string) string {
	sig, name := fn.Signature(), fn.Name()
	if sig.TypeParams().Len() == 0 && visible.hidden(sig) != "" { // a variable need not write it
		return fmt.Sprintf("\n%svar %s = %s.%s\n", doc(fmt.Sprintf("%s is [%s.%s].", name, pkg, name)), name, pkg, name)
	}
	decl, use := f.typeParams(sig.TypeParams())
	result := strings.TrimSpace(f.results(sig, f.typ))
	s := f.newScope(pkg)
	var params, args []string
	for _, v := range vars(sig.Params()) {
		f.typ(v.Type()) // before names are given: these may be taken by imports
	}
	for i, v := range vars(sig.Params()) {
		typ := f.typ(v.Type())
		name := s.pick(v.Name(), fmt.Sprint("arg", i+1))
		arg := name
		if sig.Variadic() && i == sig.Params().Len()-1 {
			typ, arg = "..."+f.typ(v.Type().(*types.Slice).Elem()), name+"..."
		}
		params, args = append(params, name+" "+typ), append(args, arg)
	}
	call := fmt.Sprintf("%s.%s%s(%s)", pkg, name, use, strings.Join(args, ", "))
	if result != "" {
		call = "return " + call
	}
	return fmt.Sprintf("\n%sfunc %s%s(%s) %s { %s }\n", doc(fmt.Sprintf("%s is [%s.%s].", name, pkg, name)), name, decl, strings.Join(params, ", "), result, call)
}

// results are those of a signature, as typ writes them.
func (f *file) results(sig *types.Signature, typ func(types.Type) string) string {
	var list []string
	for v := range sig.Results().Variables() {
		list = append(list, typ(v.Type()))
	}
	switch len(list) {
	case 0:
		return ""
	case 1:
		return list[0] + " "
	}
	return "(" + strings.Join(list, ", ") + ") "
}
