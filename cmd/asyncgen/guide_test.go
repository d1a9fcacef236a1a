package main

import (
	"path/filepath"
	"strings"
	"testing"
)

// The guide's files are those of testdata/guide, and are tested here as it says.

const guideTest = `package main

import (
	"testing"

	"github.com/alicebob/miniredis/v2"
)

func TestRun(t *testing.T) {
	if err := run(miniredis.RunT(t).Addr()); err != nil {
		t.Fatal(err)
	}
}
`

func TestTheGuidesWrapperOfGoRedisCompilesAndRuns(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles go-redis")
	}
	m := newModule(t)
	valet, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	examples := filepath.Join(root, "examples")
	m.write("go.mod", m.source(filepath.Join(examples, "go.mod")))
	m.replace("go.mod", "module github.com/valet-go/valet/examples\n", "module example.com/cache\n")
	m.replace("go.mod", "=> ..", "=> "+valet)
	m.write("go.sum", m.source(filepath.Join(examples, "go.sum")))
	m.write("redis/redis.rules", m.source("testdata/guide/redis.rules"))
	m.write("redis/redis.go", m.source("testdata/guide/redis.go.txt"))
	m.write("main.go", m.source("testdata/guide/main.go.txt"))
	m.write("main_test.go", guideTest)

	const directive = "//go:generate go run github.com/valet-go/valet/cmd/asyncgen@latest "
	_, args, found := strings.Cut(m.read("redis/redis.go"), directive)
	if !found {
		t.Fatal("there is no directive")
	}
	line, _, _ := strings.Cut(args, "\n")
	m.at("redis").must(strings.Fields(line)...)
	m.goTool("vet", ".", "./redis")
	m.goTool("test", ".")

	page := m.source(filepath.Join(root, "docs", "generate.md"))
	for _, name := range []string{"redis.rules", "redis.go.txt", "main.go.txt"} {
		if !strings.Contains(page, m.source(filepath.Join("testdata/guide", name))) {
			t.Errorf("docs/generate.md does not have testdata/guide/%s as it is", name)
		}
	}
}
