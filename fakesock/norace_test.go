//go:build !race && (linux || darwin || freebsd || netbsd || openbsd || dragonfly) && !valetportable

package fakesock

const underRace = false
