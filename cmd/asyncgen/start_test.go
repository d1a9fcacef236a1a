package main

import (
	"strings"
	"testing"
)

func TestCallsAreStartedByAFunctionOfThePackage(t *testing.T) {
	m, args := withRules(t, "Store.Rows via lines -- they come in lines")
	args = append([]string{"-start", "start"}, args...)
	helper, _, _ := strings.Cut(m.source("testdata/hand/hand.go.txt"), "func dropPair")
	m.write("async/lines.go", helper+"var _ = shapes.Limit\n")
	m.fails([]string{`-start start: package async in async has no such function; write it, with the parameters of adapter.Go`}, args...)

	m.write("async/start.go", `package async

import (
	"context"

	"github.com/valet-go/valet/adapter"
)

var started int

func start[T any](ctx context.Context, a *adapter.Adapter, body func(context.Context) (T, error), cb func(T, error), opts ...adapter.CallOption) *adapter.Call {
	started++
	return adapter.Go(ctx, a, body, cb, opts...)
}
`)
	m.must(args...)
	text := m.read("async/async.go")
	if strings.Contains(text, "adapter.Go(") {
		t.Error("a call is started by adapter.Go")
	}
	for _, want := range []string{
		"return start(ctx, s.a, func(ctx context.Context) (string, error) {",
		"return start(context.Background(), s.a, func(context.Context)",
		"return lines(ctx, s.a, nil, func(ctx context.Context) (io.ReadCloser, error) {",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("there is no %q in\n%s", want, text)
		}
	}
	if !testing.Short() {
		m.goTool("vet", "./async")
	}
}
