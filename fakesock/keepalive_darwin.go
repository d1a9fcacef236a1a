//go:build !valetportable

package fakesock

import "golang.org/x/sys/unix"

// The socket options of keep-alive probes. macOS calls the idle time
// TCP_KEEPALIVE.
const (
	tcpKeepIdle     = unix.TCP_KEEPALIVE
	tcpKeepInterval = unix.TCP_KEEPINTVL
	tcpKeepCount    = unix.TCP_KEEPCNT
)
