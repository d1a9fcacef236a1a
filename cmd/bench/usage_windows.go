package main

import (
	"time"

	"golang.org/x/sys/windows"
)

// cpuTime is the user and system time that this process has used.
func cpuTime() time.Duration {
	var created, exited, kernel, user windows.Filetime
	if windows.GetProcessTimes(windows.CurrentProcess(), &created, &exited, &kernel, &user) != nil {
		return -1
	}
	return ticks(kernel) + ticks(user)
}

// ticks reads a Filetime that is a duration, in units of 100 ns.
func ticks(t windows.Filetime) time.Duration {
	return time.Duration(uint64(t.HighDateTime)<<32|uint64(t.LowDateTime)) * 100
}

// peakRSS is not reported on Windows.
func peakRSS() int64 { return 0 }

// descriptorLimit: Windows has no limit on handles that matters here.
func descriptorLimit() uint64 { return 0 }
