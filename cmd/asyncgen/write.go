package main

import (
	"bytes"
	"errors"
	"fmt"
	"go/format"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// written is a file that is to be written.
type written struct {
	name, text string
	std        bool // the version in its header does not count
}

// formatted is gofmt's form of a file.
func formatted(text string) (string, error) {
	out, err := format.Source([]byte(text))
	if err != nil {
		return "", fmt.Errorf("a bug: what was generated is no Go: %w\n%s", err, text)
	}
	return string(out), nil
}

// finish writes the files, or checks that there is nothing to write.
func finish(files []*written, check bool, stdout io.Writer) error {
	differ := 0
	for _, f := range files {
		old, err := os.ReadFile(f.name)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		was := string(bytes.ReplaceAll(old, []byte("\r\n"), []byte("\n"))) // git on Windows
		if f.same(was) && err == nil {
			continue
		}
		if check {
			differ++
			fmt.Fprint(stdout, diff(f.name, was, f.text))
			continue
		}
		if err := os.MkdirAll(filepath.Dir(f.name), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(f.name, []byte(f.text), 0o644); err != nil {
			return err
		}
	}
	if differ > 0 {
		return fmt.Errorf("files that are not what would be generated: %d; run go generate, and look at what the driver has that is new", differ)
	}
	return nil
}

// same reports whether the file has the right text already.
func (f *written) same(old string) bool {
	if !f.std {
		return old == f.text
	}
	return withoutVersion(old) == withoutVersion(f.text)
}

// withoutVersion cuts the line that names the version of Go.
func withoutVersion(text string) string {
	var kept []string
	for _, line := range strings.SplitAfter(text, "\n") {
		if !strings.Contains(line, "enerated by asyncgen from ") {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "")
}

// diff shows how two texts differ: all between their first difference and their
// last, with some lines around.
func diff(name, old, text string) string {
	const around = 3
	a, b := strings.SplitAfter(old, "\n"), strings.SplitAfter(text, "\n")
	first := 0
	for first < len(a) && first < len(b) && a[first] == b[first] {
		first++
	}
	last := 0
	for last < len(a)-first && last < len(b)-first && a[len(a)-1-last] == b[len(b)-1-last] {
		last++
	}
	from := max(first-around, 0)
	var out strings.Builder
	fmt.Fprintf(&out, "--- %s\n+++ %s, generated\n@@ from line %d @@\n", name, name, from+1)
	show := func(sign string, lines []string) {
		for _, line := range lines {
			if line != "" {
				out.WriteString(sign + strings.TrimSuffix(line, "\n") + "\n")
			}
		}
	}
	show(" ", a[from:first])
	show("-", a[first:len(a)-last])
	show("+", b[first:len(b)-last])
	show(" ", a[len(a)-last:min(len(a)-last+around, len(a))])
	return out.String()
}
