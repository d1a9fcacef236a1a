//go:build !linux

package main

import "context"

func runFloor(context.Context, spec) (sample, error) {
	return sample{}, usagef("-path floor: on Linux only")
}
