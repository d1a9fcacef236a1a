//go:build linux || freebsd

package main

import (
	"syscall"
	"testing"
)

// Nobody has to raise the soft limit by hand: the process has the hard one, or
// one less (package syscall keeps the two apart, to see who changes them).
func TestSoftDescriptorLimitIsRaised(t *testing.T) {
	var r syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &r); err != nil {
		t.Fatal(err)
	}
	if got := descriptorLimit(); got < uint64(r.Max)-1 {
		t.Errorf("limit %d, want the hard one, %d", got, r.Max)
	}
}
