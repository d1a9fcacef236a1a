package main

import (
	"fmt"
	"io"
	"slices"
)

// cell is one combination of the lists on the command line; its sides are
// compared with each other. A list that the measure does not use leaves 0.
type cell struct {
	conns     int // 0 where they differ between the sides
	inflight  int
	producers int
	procs     int // 0: GOMAXPROCS as it is
}

// result is what was measured in one cell.
type result struct {
	cell
	rounds []round
}

// cellsOf multiplies the lists. Values of -procs above the number of cores are
// left out with a note.
func cellsOf(cfg config, cores int, notes io.Writer) ([]cell, error) {
	procs := []int{0}
	if len(cfg.procs) > 0 {
		procs = nil
		for _, p := range cfg.procs {
			if p > cores {
				fmt.Fprintf(notes, "bench: leaving out -procs %d: this machine has %d cores\n", p, cores)
				continue
			}
			procs = append(procs, p)
		}
		if len(procs) == 0 {
			return nil, usagef("-procs: this machine has %d cores, and all values are above that", cores)
		}
	}
	conns := cfg.conns
	if measures[cfg.driver].open {
		conns = nil
	}
	var cells []cell
	for _, p := range procs {
		for _, c := range orZero(conns) {
			for _, i := range orZero(cfg.inflight) {
				for _, n := range orZero(cfg.producers) {
					cells = append(cells, cell{conns: c, inflight: i, producers: n, procs: p})
				}
			}
		}
	}
	return cells, nil
}

// orZero is a list, or one 0 instead of an empty one.
func orZero(list []int) []int {
	if len(list) == 0 {
		return []int{0}
	}
	return list
}

// side is what is compared with the other sides of a cell.
type side struct {
	path  string
	conns int  // open connections
	open  bool // they are what the sides differ in
}

// String is the side's name in tables, and its key in a round.
func (s side) String() string {
	if s.open {
		return fmt.Sprintf("%s %d open", s.path, s.conns)
	}
	return s.path
}

// sidesOf are the sides of a cell, in the order of the command line.
func sidesOf(cfg config, c cell) []side {
	var sides []side
	for _, path := range cfg.paths {
		if !measures[cfg.driver].open {
			sides = append(sides, side{path: path, conns: c.conns})
			continue
		}
		for _, n := range cfg.conns {
			sides = append(sides, side{path, n, true})
		}
	}
	return sides
}

// order is the order of the sides in round n: each round starts with the next
// one.
func order[T any](sides []T, n int) []T {
	n %= len(sides)
	return slices.Concat(sides[n:], sides[:n])
}

// describe is a cell in a heading.
func describe(cfg config, c cell) string {
	text := measures[cfg.driver].about(cfg, c)
	if c.procs > 0 {
		text += fmt.Sprintf(", GOMAXPROCS %d", c.procs)
	}
	return text
}

// profileName is the file name of the CPU profile of one measurement.
func profileName(driver string, s side, c cell, n int) string {
	name := driver + "-" + s.path
	for _, part := range []struct {
		what string
		n    int
	}{{"conns", s.conns}, {"inflight", c.inflight}, {"procs", c.procs}} {
		if part.n > 0 {
			name += fmt.Sprintf("-%s%d", part.what, part.n)
		}
	}
	return fmt.Sprintf("%s-pair%d.pprof", name, n+1)
}
