//go:build (linux || darwin || freebsd || netbsd || openbsd || dragonfly) && !valetportable

package fakesock

// portable says that Go's own poller does the waiting.
const portable = false
