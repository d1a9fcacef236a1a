//go:build !race

package fakesock

const underRace = false
