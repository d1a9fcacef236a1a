//go:build race

package fakesock

// underRace says that sizes and allocations are those of the race detector.
const underRace = true
