//go:build !linux

package main

import "syscall"

// endWithParent: here a child sees the end of its standard input.
func endWithParent() *syscall.SysProcAttr { return nil }
