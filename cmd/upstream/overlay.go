package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// overlay is the file for go build's -overlay, which replaces files of the driver
// while the fake side is built. The copy of the driver stays as it is.
func (w workspace) overlay() string { return filepath.Join(w.dir, "overlay.json") }

// fillOverlay replaces the files of the driver that name net.Dialer, and wants to
// have been told of each.
func (w workspace) fillOverlay(told []string) error {
	named, err := nameNetDialer(w.driver())
	if err != nil {
		return err
	}
	if told = slices.Sorted(slices.Values(told)); !slices.Equal(named, told) {
		return fmt.Errorf("upstream: net.Dialer is in the files %q, and not in %q", named, told)
	}
	var o struct{ Replace map[string]string }
	o.Replace = map[string]string{}
	for i, name := range named {
		file := filepath.Join(w.driver(), name)
		text, err := os.ReadFile(file)
		if err != nil {
			return fmt.Errorf("upstream: %w", err)
		}
		replaced, err := replaceNetDialer(text)
		if err != nil {
			return fmt.Errorf("upstream: %s: %w", name, err)
		}
		o.Replace[file] = filepath.Join(w.dir, fmt.Sprintf("overlay%d.go", i))
		if err := os.WriteFile(o.Replace[file], replaced, 0o600); err != nil {
			return fmt.Errorf("upstream: %w", err)
		}
	}
	text, err := json.Marshal(o)
	if err != nil {
		return fmt.Errorf("upstream: %w", err)
	}
	return os.WriteFile(w.overlay(), text, 0o600)
}

// nameNetDialer finds the files in which net.Dialer is a type of the code, in order.
// Modules within the module, and what the go command does not look at, are left out.
func nameNetDialer(dir string) ([]string, error) {
	var named []string
	err := filepath.WalkDir(dir, func(file string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && file != dir:
			_, noModule := os.Stat(filepath.Join(file, "go.mod"))
			if noModule == nil || d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".") {
				return filepath.SkipDir
			}
			return nil
		case filepath.Ext(file) != ".go":
			return nil
		}
		text, err := os.ReadFile(file)
		if err != nil || !bytes.Contains(text, []byte("net.Dialer")) {
			return err
		}
		f, err := parser.ParseFile(token.NewFileSet(), "", text, 0)
		if err != nil {
			return err
		}
		if len(netDialers(f)) > 0 {
			name, err := filepath.Rel(dir, file)
			named = append(named, filepath.ToSlash(name))
			return err
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("upstream: %w", err)
	}
	return slices.Sorted(slices.Values(named)), nil
}

// netDialers are the nodes "net" of each net.Dialer in a file.
func netDialers(f *ast.File) []*ast.Ident {
	var found []*ast.Ident
	ast.Inspect(f, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok && s.Sel.Name == "Dialer" {
			if x, ok := s.X.(*ast.Ident); ok && x.Name == "net" {
				found = append(found, x)
			}
		}
		return true
	})
	return found
}

// replaceNetDialer is the file with netdial.Dialer for net.Dialer, and otherwise as
// it was.
func replaceNetDialer(text []byte) ([]byte, error) {
	const name = "valetnetdial" // no driver has it
	files := token.NewFileSet()
	f, err := parser.ParseFile(files, "", text, parser.ParseComments)
	if err != nil {
		return nil, err
	}
	offset := func(n ast.Node) int { return files.Position(n.Pos()).Offset }
	at := slices.IndexFunc(f.Imports, func(i *ast.ImportSpec) bool { return i.Path.Value == `"net"` && i.Name == nil })
	if at < 0 {
		return nil, errors.New("it does not import net")
	}
	var out []byte
	last := 0
	replace := func(from, to int, with string) {
		out = append(append(out, text[last:from]...), with...)
		last = to
	}
	// On the line of what it is for, so that the others keep their numbers.
	i := offset(f.Imports[at])
	replace(i, i, name+` "`+ours+`netdial"; `)
	for _, x := range netDialers(f) {
		replace(offset(x), offset(x)+len("net"), name)
	}
	out = append(out, text[last:]...)
	return append(out, "\nvar _ net.Conn // in case it was imported for its dialer only\n"...), nil
}
