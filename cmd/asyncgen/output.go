package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
)

// output is a package that is written to, as far as it is written by hand. It
// need not compile: it is only parsed.
type output struct {
	dir, path, name string
	fset            *token.FileSet
	decls           map[string]ast.Node            // functions, types, and so on
	methods         map[string]*ast.FuncDecl       // by Type.Method
	imports         map[ast.Node]map[string]string // of a declaration's file: paths by name
}

// readOutput parses the package in dir, but for the files named, which are to be
// written.
func readOutput(dir string, written ...string) (*output, error) {
	o := &output{dir: dir, fset: token.NewFileSet(), decls: map[string]ast.Node{}, methods: map[string]*ast.FuncDecl{}, imports: map[ast.Node]map[string]string{}}
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		f, err := parser.ParseFile(o.fset, file, nil, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		o.name = f.Name.Name
		skip := false
		for _, w := range written {
			skip = skip || sameFile(w, file)
		}
		if !skip {
			o.collect(f)
		}
	}
	return o, o.locate()
}

func sameFile(a, b string) bool {
	a, errA := filepath.Abs(a)
	b, errB := filepath.Abs(b)
	return errA == nil && errB == nil && a == b
}

func (o *output) collect(f *ast.File) {
	imports := map[string]string{}
	for _, s := range f.Imports {
		p, _ := strconv.Unquote(s.Path.Value)
		name := packageName(p)
		if s.Name != nil {
			name = s.Name.Name
		}
		imports[name] = p
	}
	for _, d := range f.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Recv == nil {
				o.decls[d.Name.Name] = d
				o.imports[d] = imports
			} else if len(d.Recv.List) == 1 {
				o.methods[receiver(d.Recv.List[0].Type)+"."+d.Name.Name] = d
			}
		case *ast.GenDecl:
			for _, s := range d.Specs {
				switch s := s.(type) {
				case *ast.TypeSpec:
					o.decls[s.Name.Name] = s
				case *ast.ValueSpec:
					for _, name := range s.Names {
						o.decls[name.Name] = s
					}
				}
			}
		}
	}
}

// receiver returns the name of a receiver's type.
func receiver(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.StarExpr:
		return receiver(e.X)
	case *ast.IndexExpr:
		return receiver(e.X)
	case *ast.IndexListExpr:
		return receiver(e.X)
	case *ast.Ident:
		return e.Name
	}
	return ""
}

// locate finds the import path, and a name if the package is new.
func (o *output) locate() error {
	// Not packages.Load: the folder may have no file yet, or not be there.
	dir, missing := existing(o.dir)
	module, err := goCommand(dir, "list", "-m", "-f", "{{.Path}} {{.Dir}}")
	if err != nil {
		return err
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	// In a workspace there are several: the innermost is the one.
	best := -1
	for _, line := range strings.Split(module, "\n") {
		p, root, _ := strings.Cut(line, " ")
		rel, err := filepath.Rel(root, abs)
		if err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator)) && len(root) > best {
			best = len(root)
			o.path = path.Join(p, filepath.ToSlash(rel), missing)
		}
	}
	if o.name == "" {
		o.name = path.Base(o.path)
	}
	return nil
}

// at is where the package declares something by hand, as file:line, or "".
func (o *output) at(n ast.Node) string {
	p := o.fset.Position(n.Pos())
	return filepath.Base(p.Filename) + ":" + itoa(p.Line)
}

// existing splits a folder's name into what is there and what is not.
func existing(dir string) (there, missing string) {
	for {
		if _, err := os.Stat(dir); err == nil || dir == filepath.Dir(dir) {
			return dir, missing
		}
		missing = path.Join(filepath.Base(dir), missing)
		dir = filepath.Dir(dir)
	}
}

// hasMethod reports whether a method is written by hand.
func (o *output) hasMethod(owner, name string) bool { return o.methods[owner+"."+name] != nil }

// function returns a function that is written by hand, or nil.
func (o *output) function(name string) *ast.FuncDecl {
	f, _ := o.decls[name].(*ast.FuncDecl)
	return f
}
