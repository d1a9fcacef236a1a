//go:build !valetportable

package fakesock

// OpenBSD has no keep-alive options for a single connection; package net
// reports ENOPROTOOPT as well.
const (
	tcpKeepIdle     = -1
	tcpKeepInterval = -1
	tcpKeepCount    = -1
)
