//go:build valetportable || !(linux || darwin || freebsd || netbsd || openbsd || dragonfly)

package loop

// portable says that package net does the waiting of streams.
const portable = true
