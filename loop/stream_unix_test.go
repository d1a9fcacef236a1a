//go:build (linux || darwin || freebsd || netbsd || openbsd || dragonfly) && !valetportable

package loop

// portable says that package net does the waiting of streams.
const portable = false
