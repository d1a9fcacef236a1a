//go:build !linux

package main

import (
	"context"
	"fmt"
	"os/exec"
	"runtime"
)

func enter(context.Context, []string) error {
	return fmt.Errorf("%w: %s has none", errNoNamespace, runtime.GOOS)
}

func setUp([]string) error { return errNoNamespace }

func group(*exec.Cmd) {}
