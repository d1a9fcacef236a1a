package main

import (
	"fmt"
	"go/token"
	"go/types"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

const (
	adapterPath = "github.com/valet-go/valet/adapter"
	loopPath    = "github.com/valet-go/valet/loop"
)

func itoa(n int) string { return strconv.Itoa(n) }

// file is a Go file being written: its imports get names as they are used.
type file struct {
	pkgPath, pkgName string
	taken            map[string]bool   // names at the level of the file or package
	imports          map[string]string // by path
	names            map[string]string // of the packages themselves, by path
	deprecated       bool              // what is deprecated is used by what is not a function
	code             strings.Builder
}

func newFile(o *output) *file {
	f := &file{pkgPath: o.path, pkgName: o.name, taken: map[string]bool{}, imports: map[string]string{}, names: map[string]string{}}
	for name := range o.decls {
		f.taken[name] = true
	}
	return f
}

func (f *file) printf(format string, args ...any) { fmt.Fprintf(&f.code, format, args...) }

// use returns the name by which the file knows a package.
func (f *file) use(pkgPath, name string) string {
	if pkgPath == f.pkgPath {
		return ""
	}
	if local, ok := f.imports[pkgPath]; ok {
		return local
	}
	local := name
	if f.taken[local] || token.IsKeyword(local) {
		// The folder above tells packages of one name apart, as in stdsql.
		if parent := identifier.FindString(path.Base(path.Dir(pkgPath))); parent != "" && parent != "." {
			local = strings.ToLower(parent) + name
		}
		for i := 2; f.taken[local]; i++ {
			local = name + itoa(i)
		}
	}
	f.taken[local] = true
	f.imports[pkgPath], f.names[pkgPath] = local, name
	return local
}

var identifier = regexp.MustCompile(`[A-Za-z][A-Za-z0-9]*`)

// qualify is for package types.
func (f *file) qualify(p *types.Package) string { return f.use(p.Path(), p.Name()) }

// typ is how the file writes a type.
func (f *file) typ(t types.Type) string { return types.TypeString(t, f.qualify) }

// of is how the file writes an object of another package.
func (f *file) of(obj types.Object) string {
	if q := f.qualify(obj.Pkg()); q != "" {
		return q + "." + obj.Name()
	}
	return obj.Name()
}

// header is all that comes before the declarations.
func (f *file) header(comment string) string {
	var b strings.Builder
	b.WriteString(comment + "\n\n")
	if f.deprecated { // staticcheck excuses only functions that are deprecated themselves
		b.WriteString("//lint:file-ignore SA1019 What is deprecated has wrappers and aliases, too.\n\n")
	}
	b.WriteString("package " + f.pkgName + "\n")
	var std, others []string
	for p := range f.imports {
		if first, _, _ := strings.Cut(p, "/"); strings.Contains(first, ".") {
			others = append(others, p)
		} else {
			std = append(std, p)
		}
	}
	if len(std)+len(others) == 0 {
		return b.String()
	}
	b.WriteString("\nimport (\n")
	for i, group := range [][]string{std, others} {
		slices.Sort(group)
		if i > 0 && len(std) > 0 && len(group) > 0 {
			b.WriteString("\n")
		}
		for _, p := range group {
			name := ""
			if local := f.imports[p]; local != path.Base(p) {
				name = local + " "
			}
			fmt.Fprintf(&b, "\t%s%q\n", name, p)
		}
	}
	b.WriteString(")\n")
	return b.String()
}

// scope gives names to parameters: those of the driver, unless something else
// has them.
type scope struct {
	f    *file
	used map[string]bool
}

// newScope has the names that a method's body uses.
func (f *file) newScope(own ...string) *scope {
	s := &scope{f, map[string]bool{}}
	for _, name := range own {
		s.used[name] = true
	}
	return s
}

// pick returns name, or one like it, which is then taken.
func (s *scope) pick(name, otherwise string) string {
	if name == "" || name == "_" {
		name = otherwise
	}
	base := strings.TrimRight(strings.ReplaceAll(name, "_", ""), "0123456789")
	if base == "" {
		base = otherwise
	}
	for i := 2; s.used[name] || s.f.taken[name] || token.IsKeyword(name) || types.Universe.Lookup(name) != nil; i++ {
		name = base + itoa(i)
	}
	s.used[name] = true
	return name
}
