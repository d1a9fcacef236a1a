//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package sysio

import "golang.org/x/sys/unix"

// TCPDefaults sets what package net sets on every TCP connection: no delay of
// small packets, and keep-alive probes after 15 s, every 15 s, 9 times. Options
// that this system does not have are passed over.
func TCPDefaults(fd int) error {
	for _, o := range [...]struct{ level, name, value int }{
		{unix.IPPROTO_TCP, unix.TCP_NODELAY, 1},
		{unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1},
		{unix.IPPROTO_TCP, TCPKeepIdle, 15},
		{unix.IPPROTO_TCP, TCPKeepInterval, 15},
		{unix.IPPROTO_TCP, TCPKeepCount, 9},
	} {
		if o.name < 0 {
			continue
		}
		if err := unix.SetsockoptInt(fd, o.level, o.name, o.value); err != nil {
			return err
		}
	}
	return nil
}
