//go:build valetportable || !(linux || darwin || freebsd || netbsd || openbsd || dragonfly)

package fakesock

const portable = true
