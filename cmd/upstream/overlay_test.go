package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const namesDialer = `//go:build go1.13

// Package d has a comment: net.Dialer.
package d

import (
	"net"
	"time"
)

var _ = &net.Dialer{Timeout: time.Second}

const text = "net.Dialer"
`

func TestFilesThatNameNetDialerAreReplaced(t *testing.T) {
	w := workspace{t.TempDir()}
	write := func(name, text string) {
		file := filepath.Join(w.driver(), name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("d.go", namesDialer)
	write("sub/d_test.go", namesDialer)
	write("text.go", "package d\n\nconst text = \"net.Dialer\"\n")
	write("module/go.mod", "module example.test/other\n")
	write("module/d.go", namesDialer)
	for _, told := range [][]string{nil, {"d.go"}, {"d.go", "sub/d_test.go", "text.go"}} {
		if err := w.fillOverlay(told); err == nil {
			t.Errorf("%q are not the files, which was not noticed", told)
		}
	}
	if err := w.fillOverlay([]string{"sub/d_test.go", "d.go"}); err != nil {
		t.Fatal(err)
	}
	var o struct{ Replace map[string]string }
	text, err := os.ReadFile(w.overlay())
	if err == nil {
		err = json.Unmarshal(text, &o)
	}
	if err != nil || len(o.Replace) != 2 {
		t.Fatalf("the overlay is %s, %v", text, err)
	}
	for file, by := range o.Replace {
		if got, err := os.ReadFile(file); err != nil || string(got) != namesDialer {
			t.Errorf("the driver's own %s is changed: %v", file, err)
		}
		got, err := os.ReadFile(by)
		want := strings.Replace(namesDialer, `	"net"`, `	valetnetdial "`+ours+`netdial"; "net"`, 1)
		want = strings.Replace(want, "&net.Dialer", "&valetnetdial.Dialer", 1)
		if err != nil || !strings.HasPrefix(string(got), want) {
			t.Errorf("for %s there is\n%s\nwant\n%s", file, got, want)
		}
	}
}

func TestAFileThatDoesNotImportNetIsNotReplaced(t *testing.T) {
	if _, err := replaceNetDialer([]byte("package d\n\nimport net \"example.test/net\"\n\nvar _ net.Dialer\n")); err == nil {
		t.Error("another package net was taken for it")
	}
}
