//go:build race

package sysio

import (
	"runtime"
	"unsafe"
)

// RaceEnabled reports whether the race detector is on.
const RaceEnabled = true

// Raw system calls are invisible to the race detector; these tell it what they
// did to the caller's buffer.

func raceWrite(p []byte) {
	if len(p) > 0 {
		runtime.RaceWriteRange(unsafe.Pointer(&p[0]), len(p))
	}
}

func raceRead(p []byte) {
	if len(p) > 0 {
		runtime.RaceReadRange(unsafe.Pointer(&p[0]), len(p))
	}
}
