package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
)

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
	remove, err := measures[cfg.driver].prepare(ctx, srv.at)
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

// runRound measures every side once, one after another.
func runRound(ctx context.Context, cfg config, at target, c cell, n int, progress io.Writer) (round, error) {
	m := measures[cfg.driver]
	sides := order(sidesOf(cfg, c), n)
	samples := make([]sample, len(sides))
	var err error
	if m.together != nil {
		samples, err = measureTogether(ctx, specOf(cfg, at, c, sides[0]), sides)
		if err != nil {
			return nil, err
		}
	}
	r := round{}
	for i, s := range sides {
		if m.together == nil {
			sp := specOf(cfg, at, c, s)
			if cfg.profiles != "" {
				sp.Profile = filepath.Join(cfg.profiles, profileName(cfg.driver, s, c, n))
			}
			if samples[i], err = measureChild(ctx, sp); err != nil {
				return nil, err
			}
		}
		r[s.String()] = samples[i]
		first := m.columns[0]
		fmt.Fprintf(progress, "%s, %s, pair %d/%d: %-7s %9s %s\n",
			cfg.driver, describe(cfg, c), n+1, cfg.pairs, s, first.text(samples[i]), first.heading)
	}
	return r, nil
}

// specOf is what the process that measures a side is told.
func specOf(cfg config, at target, c cell, s side) spec {
	path, procs, _ := splitPath(s.path) // which the flags have checked
	return spec{
		Driver: cfg.driver, Path: path, Target: at,
		Conns: s.conns, Inflight: c.inflight, GoMaxProcs: cmp.Or(procs, c.procs),
		Duration: cfg.duration, Warmup: cfg.warmup, Contexts: cfg.contexts,
		Bytes: cfg.bytes, Buffer: cfg.buffer,
		Producers: c.producers, Backlog: cfg.backlog, Funcs: cfg.funcs, Rows: cfg.rows,
	}
}
