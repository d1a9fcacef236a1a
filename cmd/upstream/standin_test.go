package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const asksSQL = `// Package d has a comment: "database/sql".
package d

import (
	"context"
	"database/sql"
	"database/sql/driver"
)

const text = "database/sql"

var _ *sql.DB
`

func TestTestsThatImportDatabaseSQLGetATwin(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("d.go", asksSQL)
	write("asks_test.go", asksSQL)
	write("other_test.go", "package d\n\nimport \"testing\"\n")
	if err := standIn(dir); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"d.go":                asksSQL,
		"other_test.go":       "package d\n\nimport \"testing\"\n",
		"asks_test.go":        "//go:build !" + tag + "\n\n" + asksSQL,
		"asks_valet_test.go":  "//go:build " + tag + "\n\n" + strings.Replace(asksSQL, "\t\"database/sql\"\n", "\t\""+ours+"sql\"\n", 1),
		"other_valet_test.go": "",
	} {
		got, err := os.ReadFile(filepath.Join(dir, name))
		if os.IsNotExist(err) != (want == "") || string(got) != want {
			t.Errorf("%s is\n%s\nwant\n%s", name, got, want)
		}
	}
}

func TestATestWithABuildConstraintGetsNoTwin(t *testing.T) {
	if _, err := replaceSQL([]byte("//go:build linux\n\n" + asksSQL)); err == nil {
		t.Error("two constraints were not noticed")
	}
}
