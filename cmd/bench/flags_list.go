package main

import (
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"strings"
)

// parseNames splits a list of names, each of which must be known and occur
// once.
func parseNames(name, list string, known []string) ([]string, error) {
	var names []string
	for item := range strings.SplitSeq(list, ",") {
		item = strings.TrimSpace(item)
		path, procs, err := splitPath(item)
		if err != nil || !slices.Contains(known, path) {
			return nil, usagef("-%s %q: must be a list of %s, each alone or with @N for GOMAXPROCS=N, as %s@1", name, item, strings.Join(known, ", "), known[0])
		}
		if cores := runtime.NumCPU(); procs > cores {
			return nil, usagef("-%s %q: this machine has %d cores", name, item, cores)
		}
		if slices.Contains(names, item) {
			return nil, usagef("-%s: %s is there twice", name, item)
		}
		names = append(names, item)
	}
	return names, nil
}

// splitPath splits valet@1 into a path and what GOMAXPROCS is for it: 0 if it is
// as it is.
func splitPath(item string) (path string, procs int, err error) {
	path, digits, set := strings.Cut(item, "@")
	if !set {
		return path, 0, nil
	}
	if procs, err = strconv.Atoi(digits); err == nil && procs < 1 {
		err = strconv.ErrRange
	}
	return path, procs, err
}

// maxCount bounds what a list may ask for: more connections than a loopback
// address has ports, or more goroutines than memory, are a typing mistake.
const maxCount = 1_000_000

// maxFuncs bounds what is handed over: minutes for each side.
const maxFuncs = 1_000_000_000

// maxRows bounds what is read: an hour for each side.
const maxRows = 1_000_000_000

// parseCounts splits a list of positive numbers, each of which must occur
// once.
func parseCounts(name, list string) ([]int, error) {
	var counts []int
	for item := range strings.SplitSeq(list, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(item))
		if err != nil || n < 1 || n > maxCount {
			return nil, usagef("-%s %q: must be a list of numbers from 1 to %d, such as 64,1000", name, item, maxCount)
		}
		if slices.Contains(counts, n) {
			return nil, usagef("-%s: %d is there twice", name, n)
		}
		counts = append(counts, n)
	}
	return counts, nil
}

// The greatest sizes that make sense.
const (
	maxBytes  = 1 << 40
	maxBuffer = 1 << 30
)

// units are the multiples in which a size may be given, the greatest first.
var units = []struct {
	name  string
	bytes int64
}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"", 1}}

// parseSize reads a whole number of bytes with an optional unit.
func parseSize(name, text string, most int64) (int64, error) {
	for _, u := range units {
		number, ok := strings.CutSuffix(text, u.name)
		if !ok {
			continue
		}
		n, err := strconv.ParseInt(number, 10, 64)
		if err != nil || n < 1 || n > most/u.bytes {
			break
		}
		return n * u.bytes, nil
	}
	return 0, usagef("-%s %q: must be a size from 1 to %s, such as 4096, 128KiB, 256MiB or 1GiB", name, text, sizeText(most))
}

// sizeText is a size in the greatest unit of which it is a multiple.
func sizeText(n int64) string {
	for _, u := range units {
		if n%u.bytes == 0 {
			if u.name == "" {
				return fmt.Sprintf("%d bytes", n)
			}
			return fmt.Sprintf("%d %s", n/u.bytes, u.name)
		}
	}
	return ""
}
