package main

import (
	"os"
	"testing"

	"go.uber.org/goleak"

	"github.com/valet-go/valet/cmd/bench/internal/role"
	"github.com/valet-go/valet/internal/leaktest"
)

// TestMain lets the test binary be the child processes of a benchmark too.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		if do, ok := roles[os.Args[1]]; ok {
			os.Exit(role.Run(do, os.Stdin, os.Stdout, os.Stderr))
		}
	}
	// ants starts two goroutines in an init function.
	leaktest.Main(m,
		goleak.IgnoreAnyFunction("github.com/panjf2000/ants/v2.(*poolCommon).purgeStaleWorkers"),
		goleak.IgnoreAnyFunction("github.com/panjf2000/ants/v2.(*poolCommon).ticktock"),
	)
}
