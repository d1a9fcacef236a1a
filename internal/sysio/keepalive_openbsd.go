package sysio

// OpenBSD has no keep-alive options for a single connection; package net
// reports ENOPROTOOPT as well.
const (
	TCPKeepIdle     = -1
	TCPKeepInterval = -1
	TCPKeepCount    = -1
)
