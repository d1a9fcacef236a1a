//go:build (freebsd || netbsd || dragonfly) && !valetportable

package fakesock

import "golang.org/x/sys/unix"

// The socket options of keep-alive probes.
const (
	tcpKeepIdle     = unix.TCP_KEEPIDLE
	tcpKeepInterval = unix.TCP_KEEPINTVL
	tcpKeepCount    = unix.TCP_KEEPCNT
)
