package main

import (
	"go/types"
	"slices"
	"strings"
)

var errorType = types.Universe.Lookup("error").Type()

func isError(t types.Type) bool { return types.Identical(t, errorType) }

func isContext(t types.Type) bool {
	named, ok := types.Unalias(t).(*types.Named)
	if !ok {
		return false
	}
	obj := named.Obj()
	return obj.Name() == "Context" && obj.Pkg() != nil && obj.Pkg().Path() == "context"
}

// hasErr reports whether t has a method Err() error, and is not a context.
func hasErr(t types.Type) bool {
	obj, _, _ := types.LookupFieldOrMethod(t, false, nil, "Err")
	fn, ok := obj.(*types.Func)
	if !ok || isContext(t) {
		return false
	}
	sig := fn.Signature()
	return sig.Params().Len() == 0 && sig.Results().Len() == 1 && isError(sig.Results().At(0).Type())
}

// blocking reports whether a method of t, a type of pkg's, takes a context
// first.
func blocking(t types.Type, pkg *types.Package) bool {
	base := types.Unalias(t)
	if p, ok := base.(*types.Pointer); ok {
		base = types.Unalias(p.Elem())
	}
	named, ok := base.(*types.Named)
	if !ok || named.Obj().Pkg() != pkg {
		return false
	}
	for s := range types.NewMethodSet(t).Methods() {
		params := s.Obj().(*types.Func).Signature().Params()
		if s.Obj().Exported() && params.Len() > 0 && isContext(params.At(0).Type()) {
			return true
		}
	}
	return false
}

// visibility is what the package at path may write.
type visibility struct{ path string }

// hidden returns what it is in t that v cannot write, or "".
func (v visibility) hidden(t types.Type) string {
	seen := map[types.Type]bool{}
	var look func(t types.Type) string
	list := func(n int, at func(int) types.Type) string {
		for i := range n {
			if h := look(at(i)); h != "" {
				return h
			}
		}
		return ""
	}
	look = func(t types.Type) string {
		if seen[t] {
			return ""
		}
		seen[t] = true
		switch t := t.(type) {
		case *types.Alias:
			if h := v.object(t.Obj()); h != "" {
				return h
			}
			return list(t.TypeArgs().Len(), t.TypeArgs().At)
		case *types.Named:
			if h := v.object(t.Obj()); h != "" {
				return h
			}
			return list(t.TypeArgs().Len(), t.TypeArgs().At)
		case interface{ Elem() types.Type }: // arrays, chans, maps, pointers, slices
			if m, ok := t.(*types.Map); ok {
				if h := look(m.Key()); h != "" {
					return h
				}
			}
			return look(t.Elem())
		case *types.Signature:
			if h := look(t.Params()); h != "" {
				return h
			}
			return look(t.Results())
		case *types.Tuple:
			return list(t.Len(), func(i int) types.Type { return t.At(i).Type() })
		case *types.Struct:
			for f := range t.Fields() {
				if !f.Exported() && f.Pkg() != nil && f.Pkg().Path() != v.path {
					return "the unexported field " + f.Name()
				}
			}
			return list(t.NumFields(), func(i int) types.Type { return t.Field(i).Type() })
		case *types.Interface:
			for f := range t.ExplicitMethods() {
				if !f.Exported() {
					return "the unexported method " + f.Name()
				}
			}
			if h := list(t.NumExplicitMethods(), func(i int) types.Type { return t.ExplicitMethod(i).Type() }); h != "" {
				return h
			}
			return list(t.NumEmbeddeds(), t.EmbeddedType)
		}
		return ""
	}
	return look(t)
}

// object says what hides a type's name, or "".
func (v visibility) object(obj *types.TypeName) string {
	pkg := obj.Pkg()
	switch {
	case pkg == nil || pkg.Path() == v.path:
		return ""
	case !obj.Exported():
		return "the unexported type " + pkg.Name() + "." + obj.Name()
	}
	parts := strings.Split(pkg.Path(), "/")
	if i := slices.Index(parts, "internal"); i >= 0 {
		root := strings.Join(parts[:i], "/")
		if v.path != root && !strings.HasPrefix(v.path, root+"/") {
			return "the type " + obj.Name() + " of " + pkg.Path()
		}
	}
	return ""
}
