package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
)

// cell is one combination of the lists on the command line; its paths are
// compared with each other.
type cell struct {
	conns, inflight int
	procs           int // 0: GOMAXPROCS as it is
}

// result is what was measured in one cell.
type result struct {
	cell
	rounds []round
}

// bench runs a whole benchmark: server, rounds, report.
func bench(ctx context.Context, cfg config, stdout, stderr io.Writer) (err error) {
	if err := checkDescriptors(cfg, descriptorLimit()); err != nil {
		return err
	}
	cells, err := cellsOf(cfg, runtime.NumCPU(), stderr)
	if err != nil {
		return err
	}
	if cfg.profiles != "" {
		if err := os.MkdirAll(cfg.profiles, 0o755); err != nil {
			return fmt.Errorf("-cpuprofile: %w", err)
		}
	}
	dir, err := os.MkdirTemp("", "valet-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	srv, err := provide(ctx, cfg, dir, stderr)
	if err != nil {
		return err
	}
	defer srv.stop()
	remove, err := drivers[cfg.driver].prepare(ctx, srv.at)
	if err != nil {
		return err
	}
	if cfg.addr != "" { // a private server goes with its values
		defer remove()
	}
	var results []result
	for _, c := range cells {
		r := result{cell: c}
		for n := range cfg.pairs {
			one, err := runRound(ctx, cfg, srv.at, c, n, stderr)
			if err != nil {
				return err
			}
			r.rounds = append(r.rounds, one)
		}
		results = append(results, r)
	}
	return publish(cfg, results, stdout)
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
	var cells []cell
	for _, p := range procs {
		for _, conns := range cfg.conns {
			for _, inflight := range cfg.inflight {
				cells = append(cells, cell{conns, inflight, p})
			}
		}
	}
	return cells, nil
}

// order is the order of the paths in round n: each round starts with the next
// path.
func order(paths []string, n int) []string {
	n %= len(paths)
	return append(append([]string(nil), paths[n:]...), paths[:n]...)
}

// runRound measures every path once, one after another.
func runRound(ctx context.Context, cfg config, at target, c cell, n int, progress io.Writer) (round, error) {
	r := round{}
	for _, path := range order(cfg.paths, n) {
		sp := spec{
			Driver: cfg.driver, Path: path, Target: at,
			Conns: c.conns, Inflight: c.inflight, GoMaxProcs: c.procs,
			Duration: cfg.duration, Warmup: cfg.warmup,
		}
		if cfg.profiles != "" {
			sp.Profile = filepath.Join(cfg.profiles, profileName(cfg.driver, path, c, n))
		}
		s, err := measureChild(ctx, sp)
		if err != nil {
			return nil, err
		}
		r[path] = s
		fmt.Fprintf(progress, "%s, %s, pair %d/%d: %-7s %9.0f op/s\n", cfg.driver, c, n+1, cfg.pairs, path, s.OpsPerSec)
	}
	return r, nil
}

// String is the cell in a heading.
func (c cell) String() string {
	text := fmt.Sprintf("%d in flight, %d connections", c.inflight, c.conns)
	if c.procs > 0 {
		text += fmt.Sprintf(", GOMAXPROCS %d", c.procs)
	}
	return text
}

// profileName is the file name of the CPU profile of one measurement.
func profileName(driver, path string, c cell, n int) string {
	name := fmt.Sprintf("%s-%s-conns%d-inflight%d", driver, path, c.conns, c.inflight)
	if c.procs > 0 {
		name += fmt.Sprintf("-procs%d", c.procs)
	}
	return fmt.Sprintf("%s-pair%d.pprof", name, n+1)
}
