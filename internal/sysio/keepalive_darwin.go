package sysio

import "golang.org/x/sys/unix"

// The socket options of keep-alive probes. macOS calls the idle time
// TCP_KEEPALIVE.
const (
	TCPKeepIdle     = unix.TCP_KEEPALIVE
	TCPKeepInterval = unix.TCP_KEEPINTVL
	TCPKeepCount    = unix.TCP_KEEPCNT
)
