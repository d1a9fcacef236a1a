//go:build freebsd || netbsd || dragonfly

package sysio

import "golang.org/x/sys/unix"

// The socket options of keep-alive probes.
const (
	TCPKeepIdle     = unix.TCP_KEEPIDLE
	TCPKeepInterval = unix.TCP_KEEPINTVL
	TCPKeepCount    = unix.TCP_KEEPCNT
)
