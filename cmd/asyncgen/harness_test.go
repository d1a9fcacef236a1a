package main

import (
	"bytes"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files")

// root is the repository, whose valet the generated code is compiled with.
const root = "../.."

// module is a temporary module that requires valet, with the packages of
// testdata as drivers.
type module struct {
	t   testing.TB
	dir string
}

func newModule(t testing.TB) *module {
	t.Helper()
	t.Setenv("GOWORK", "off")
	m := &module{t, t.TempDir()}
	valet, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	mod := m.source(filepath.Join(root, "go.mod"))
	mod = strings.Replace(mod, "module github.com/valet-go/valet\n", "module example.com/try\n", 1)
	m.write("go.mod", mod+"\nrequire github.com/valet-go/valet v0.0.0\n\nreplace github.com/valet-go/valet => "+valet+"\n")
	m.write("go.sum", m.source(filepath.Join(root, "go.sum")))
	if err := os.CopyFS(filepath.Join(m.dir, "shapes"), os.DirFS("testdata/shapes")); err != nil {
		t.Fatal(err)
	}
	return m
}

func (m *module) source(name string) string {
	m.t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		m.t.Fatal(err)
	}
	return string(text)
}

func (m *module) path(name string) string { return filepath.Join(m.dir, filepath.FromSlash(name)) }

func (m *module) write(name, text string) {
	m.t.Helper()
	if err := os.MkdirAll(filepath.Dir(m.path(name)), 0o755); err != nil {
		m.t.Fatal(err)
	}
	if err := os.WriteFile(m.path(name), []byte(text), 0o644); err != nil {
		m.t.Fatal(err)
	}
}

func (m *module) read(name string) string {
	m.t.Helper()
	return m.source(m.path(name))
}

// replace changes a file, which must have the text.
func (m *module) replace(name, old, text string) {
	m.t.Helper()
	was := m.read(name)
	if !strings.Contains(was, old) {
		m.t.Fatalf("%s has no %q", name, old)
	}
	m.write(name, strings.Replace(was, old, text, 1))
}

// at is one of its folders.
func (m *module) at(dir string) *module { return &module{m.t, m.path(dir)} }

// run is asyncgen, with files named from the module.
func (m *module) run(args ...string) (status int, stdout, stderr string) {
	m.t.Helper()
	m.t.Chdir(m.dir)
	var out, errs bytes.Buffer
	status = run(args, &out, &errs)
	m.t.Chdir(testDir)
	return status, out.String(), errs.String()
}

// testDir is the folder of the tests.
var testDir = func() string {
	dir, err := os.Getwd()
	if err != nil {
		panic(err)
	}
	return dir
}()

// must runs asyncgen, which must succeed.
func (m *module) must(args ...string) {
	m.t.Helper()
	if status, stdout, stderr := m.run(args...); status != 0 {
		m.t.Fatalf("asyncgen %q: status %d\n%s%s", args, status, stdout, stderr)
	}
}

// fails runs asyncgen, which must report what the expressions match and write
// nothing.
func (m *module) fails(want []string, args ...string) {
	m.t.Helper()
	status, _, stderr := m.run(args...)
	if status != 1 {
		m.t.Errorf("status %d, want 1", status)
	}
	for _, w := range want {
		if !regexp.MustCompile(w).MatchString(stderr) {
			m.t.Errorf("the errors do not match %q:\n%s", w, stderr)
		}
	}
	if n := strings.Count(stderr, "\n"); n != len(want) {
		m.t.Errorf("%d errors, want %d:\n%s", n, len(want), stderr)
	}
	if _, err := os.Stat(m.path("async/async.go")); err == nil {
		m.t.Error("a file was written in spite of errors")
	}
}

// goTool runs a go command in the module.
func (m *module) goTool(args ...string) {
	m.t.Helper()
	cmd := exec.Command("go", args...)
	cmd.Dir = m.dir
	cmd.Env = append(os.Environ(), "GOFLAGS=-mod=mod")
	if out, err := cmd.CombinedOutput(); err != nil {
		m.t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// golden compares a file that was generated with testdata.
func (m *module) golden(name, golden string) {
	m.t.Helper()
	got, file := m.read(name), filepath.Join(testDir, "testdata", golden+".golden")
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			m.t.Fatal(err)
		}
		return
	}
	if want := m.source(file); got != want {
		m.t.Errorf("%s is not what it should be; look at the difference, then run go test -update:\n%s", name, diff(golden, want, got))
	}
}
