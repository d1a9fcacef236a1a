package main

import (
	"bytes"
	"fmt"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// standIn gives each test file in dir that imports database/sql a twin that
// imports package sql instead. Only one of them is built: the twin with our tag.
func standIn(dir string) error {
	files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	if err != nil {
		return fmt.Errorf("upstream: %w", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return fmt.Errorf("upstream: %w", err)
		}
		twin, err := replaceSQL(text)
		if err != nil {
			return fmt.Errorf("upstream: %s: %w", filepath.Base(file), err)
		}
		if twin == nil {
			continue
		}
		name := strings.TrimSuffix(file, "_test.go") + "_valet_test.go"
		for name, text := range map[string][]byte{
			file: append([]byte("//go:build !"+tag+"\n\n"), text...),
			name: append([]byte("//go:build "+tag+"\n\n"), twin...),
		} {
			if err := os.WriteFile(name, text, 0o600); err != nil {
				return fmt.Errorf("upstream: %w", err)
			}
		}
	}
	return nil
}

// replaceSQL is the file with package sql for database/sql; nil if it does not
// import that.
func replaceSQL(text []byte) ([]byte, error) {
	const old = `"database/sql"`
	files := token.NewFileSet()
	f, err := parser.ParseFile(files, "", text, parser.ImportsOnly|parser.ParseComments)
	if err != nil {
		return nil, err
	}
	for _, i := range f.Imports {
		if i.Path.Value != old {
			continue
		}
		if bytes.Contains(text[:files.Position(f.Package).Offset], []byte("//go:build")) {
			return nil, fmt.Errorf("it has a build constraint, which ours would have to be joined with")
		}
		at := files.Position(i.Path.Pos()).Offset
		return slices.Concat(text[:at], []byte(`"`+ours+`sql"`), text[at+len(old):]), nil
	}
	return nil, nil
}
