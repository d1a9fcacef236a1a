package main

import (
	"os"
	"testing"
)

// shapes are the flags for testdata/shapes.
var shapes = []string{
	"-type", "Store,Tx,Stmt,Session,Table,Lens", "-func", "Open,Each,Wait",
	"-rules", "shapes.rules", "-o", "async/async.go", "-alias", "async/alias.go", "-table", "table.md", "-sync", "again/again.go", "example.com/try/shapes",
}

func newShapes(t *testing.T) *module {
	t.Helper()
	m := newModule(t)
	m.write("shapes.rules", m.source("testdata/shapes.rules"))
	m.write("async/hand.go", m.source("testdata/hand/hand.go.txt"))
	m.write("again/hand.go", m.source("testdata/hand/facade.go.txt"))
	return m
}

func TestEveryShapeOfAMethodIsWrapped(t *testing.T) {
	m := newShapes(t)
	m.must(shapes...)
	m.golden("async/async.go", "async.go")
	m.golden("async/alias.go", "alias.go")
	m.golden("again/again.go", "again.go")
	m.golden("table.md", "table.md")
}

func TestWhatIsGeneratedCompilesAndRuns(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles")
	}
	m := newShapes(t)
	m.must(shapes...)
	m.write("run/run_test.go", m.source("testdata/hand/run_test.go.txt"))
	m.goTool("vet", "./...")
	m.goTool("test", "./run")
}

func TestTheSameIsWrittenAgain(t *testing.T) {
	m := newShapes(t)
	m.must(shapes...)
	var first []string
	files := []string{"async/async.go", "async/alias.go", "again/again.go", "table.md"}
	for _, name := range files {
		first = append(first, m.read(name))
	}
	for range 3 {
		m.must(shapes...)
		m.must(append([]string{"-check"}, shapes...)...)
		for i, name := range files {
			if m.read(name) != first[i] {
				t.Fatalf("%s changed", name)
			}
		}
	}
	// From nothing, too: what was there is not looked at.
	for _, name := range files {
		if err := os.Remove(m.path(name)); err != nil {
			t.Fatal(err)
		}
	}
	m.must(shapes...)
	for i, name := range files {
		if m.read(name) != first[i] {
			t.Errorf("%s is another when there was none", name)
		}
	}
}
