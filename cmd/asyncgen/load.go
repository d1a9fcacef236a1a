package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"golang.org/x/tools/go/packages"
)

// driver is the package that is wrapped.
type driver struct {
	pkg     *types.Package
	fset    *token.FileSet
	version string // with the path; for headers
	std     bool
	goroot  string
	docs    map[string]map[int]string // by file and line; see doc
}

// loadDriver loads the package as it is seen from dir.
func loadDriver(dir, path string) (*driver, error) {
	dir, _ = existing(dir)
	d := &driver{fset: token.NewFileSet(), docs: map[string]map[int]string{}}
	// Types come from the compiler's export data: without a parameter's name
	// nothing is lost, and the driver's own dependencies are not parsed.
	found, err := packages.Load(&packages.Config{
		Mode: packages.NeedName | packages.NeedTypes | packages.NeedModule | packages.NeedImports,
		Dir:  dir, Fset: d.fset,
	}, path)
	if err != nil {
		return nil, fmt.Errorf("loading %s: %w", path, err)
	}
	if len(found) != 1 {
		return nil, fmt.Errorf("%s is %d packages, want one", path, len(found))
	}
	p := found[0]
	for _, e := range p.Errors {
		return nil, fmt.Errorf("loading %s: %v", path, e)
	}
	d.pkg = p.Types
	out, err := goCommand(dir, "env", "GOROOT", "GOVERSION")
	if err != nil {
		return nil, err
	}
	goroot, goversion, _ := strings.Cut(out, "\n")
	d.goroot = goroot
	switch m := p.Module; {
	case m == nil:
		d.std = true
		d.version = p.PkgPath + " of " + regexp.MustCompile(`go\d+\.\d+`).FindString(goversion)
	case m.Replace != nil && m.Replace.Version != "":
		d.version = fmt.Sprintf("%s of %s@%s", p.PkgPath, m.Replace.Path, m.Replace.Version)
	case m.Version != "" && m.Replace == nil:
		d.version = p.PkgPath + "@" + m.Version
		if m.Path != p.PkgPath {
			d.version = fmt.Sprintf("%s of %s@%s", p.PkgPath, m.Path, m.Version)
		}
	default:
		d.version = p.PkgPath
	}
	return d, nil
}

func goCommand(dir string, args ...string) (string, error) {
	cmd := exec.Command("go", args...)
	cmd.Dir = dir
	out, err := cmd.Output()
	if err != nil {
		var why string
		if e, ok := err.(*exec.ExitError); ok {
			why = ": " + strings.TrimSpace(string(e.Stderr))
		}
		return "", fmt.Errorf("go %s: %w%s", strings.Join(args, " "), err, why)
	}
	return strings.TrimSpace(string(out)), nil
}

// deprecated returns the paragraph of an object's doc comment that says so.
func (d *driver) deprecated(obj types.Object) string {
	for _, paragraph := range strings.Split(d.doc(obj), "\n\n") {
		if strings.HasPrefix(paragraph, "Deprecated: ") {
			return strings.Join(strings.Fields(paragraph), " ")
		}
	}
	return ""
}

// usesDeprecated reports whether one of the types is, or points to, one that is
// deprecated.
func (d *driver) usesDeprecated(list ...*types.Var) bool {
	for _, v := range list {
		t := types.Unalias(v.Type())
		for {
			e, ok := t.(interface{ Elem() types.Type })
			if !ok {
				break
			}
			t = types.Unalias(e.Elem())
		}
		if n, ok := t.(*types.Named); ok && n.Obj().Pkg() != nil && d.deprecated(n.Obj()) != "" {
			return true
		}
	}
	return false
}

// doc returns the doc comment of an object of any package, if its source is
// there. Export data tells the line.
func (d *driver) doc(obj types.Object) string {
	pos := d.fset.Position(obj.Pos())
	file := strings.Replace(pos.Filename, "$GOROOT", d.goroot, 1)
	lines, read := d.docs[file]
	if !read {
		lines = docLines(file)
		d.docs[file] = lines
	}
	return lines[pos.Line]
}

// docLines returns the doc comments of what a file declares, by the lines of
// the names.
func docLines(file string) map[int]string {
	lines := map[int]string{}
	if !filepath.IsAbs(file) {
		return lines
	}
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, file, nil, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return lines // the compiler has accepted it: then it is not there
	}
	note := func(pos token.Pos, docs ...*ast.CommentGroup) {
		for _, doc := range docs {
			if doc != nil {
				lines[fset.Position(pos).Line] = doc.Text()
				return
			}
		}
	}
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			note(n.Name.Pos(), n.Doc)
			return false
		case *ast.Field: // a method of an interface
			for _, name := range n.Names {
				note(name.Pos(), n.Doc)
			}
		case *ast.GenDecl:
			for _, spec := range n.Specs {
				switch s := spec.(type) {
				case *ast.TypeSpec:
					note(s.Name.Pos(), s.Doc, n.Doc)
				case *ast.ValueSpec:
					for _, name := range s.Names {
						note(name.Pos(), s.Doc, n.Doc)
					}
				}
			}
		}
		return true
	})
	return lines
}
