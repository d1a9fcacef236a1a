//go:build !unix && !windows

package main

import "time"

// cpuTime is not known here.
func cpuTime() time.Duration { return -1 }

// peakRSS is not known here.
func peakRSS() int64 { return 0 }

// descriptorLimit is not known here.
func descriptorLimit() uint64 { return 0 }
