package main

import (
	"bytes"
	"go/ast"
	"go/printer"
	"path"
	"regexp"
	"strings"
)

// A helper's callback is written by hand, and in the helper's parameter list
// only. It is copied into what is generated, whose imports may have other names.

// callback returns the type of a helper's callback as f writes it, or "": of its
// last parameter that is a function without results. self is the name by which f
// knows the helper's package, or "" in the package itself.
func (o *output) callback(f *file, helper, self string) string {
	decl := o.function(helper)
	if decl == nil {
		return ""
	}
	var found *ast.FuncType
	for _, field := range decl.Type.Params.List {
		if t, ok := field.Type.(*ast.FuncType); ok && t.Results == nil {
			found = t
		}
	}
	if found == nil {
		return ""
	}
	c := copier{o.imports[decl], f, self}
	var b bytes.Buffer
	if err := printer.Fprint(&b, o.fset, c.copy(found)); err != nil {
		return ""
	}
	return b.String()
}

// copier copies types from one file to another.
type copier struct {
	imports map[string]string
	f       *file
	self    string
}

func (c copier) copy(e ast.Expr) ast.Expr {
	switch e := e.(type) {
	case *ast.FuncType:
		list := &ast.FieldList{}
		for _, field := range e.Params.List {
			list.List = append(list.List, &ast.Field{Type: c.copy(field.Type)})
		}
		return &ast.FuncType{Params: list}
	case *ast.StarExpr:
		return &ast.StarExpr{X: c.copy(e.X)}
	case *ast.ArrayType:
		return &ast.ArrayType{Len: e.Len, Elt: c.copy(e.Elt)}
	case *ast.MapType:
		return &ast.MapType{Key: c.copy(e.Key), Value: c.copy(e.Value)}
	case *ast.IndexExpr:
		return &ast.IndexExpr{X: c.copy(e.X), Index: c.copy(e.Index)}
	case *ast.IndexListExpr:
		x := &ast.IndexListExpr{X: c.copy(e.X)}
		for _, i := range e.Indices {
			x.Indices = append(x.Indices, c.copy(i))
		}
		return x
	case *ast.SelectorExpr:
		if pkg, ok := e.X.(*ast.Ident); ok && c.imports[pkg.Name] != "" {
			return qualified(c.f.use(c.imports[pkg.Name], pkg.Name), e.Sel.Name)
		}
	case *ast.Ident:
		if c.self != "" && e.IsExported() {
			return qualified(c.self, e.Name)
		}
		return ast.NewIdent(e.Name)
	}
	return e
}

func qualified(pkg, name string) ast.Expr {
	if pkg == "" {
		return ast.NewIdent(name)
	}
	return &ast.SelectorExpr{X: ast.NewIdent(pkg), Sel: ast.NewIdent(name)}
}

var majorVersion = regexp.MustCompile(`^v\d+$`)

// packageName guesses a package's name from its path.
func packageName(p string) string {
	base := path.Base(p)
	if majorVersion.MatchString(base) {
		base = path.Base(path.Dir(p))
	}
	return strings.TrimPrefix(base, "go-")
}
