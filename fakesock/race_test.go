//go:build race && (linux || darwin || freebsd || netbsd || openbsd || dragonfly) && !valetportable

package fakesock

// underRace says that sizes and allocations are those of the race detector.
const underRace = true
