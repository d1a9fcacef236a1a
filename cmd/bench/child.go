package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime/pprof"
	"strconv"
	"strings"
	"time"

	"github.com/valet-go/valet/cmd/bench/internal/role"
)

// What the child processes of this binary are, by their first argument; see
// package role.
const (
	roleMeasure = "bench-measure"
	roleEcho    = "bench-serve-echo"
)

var roles map[string]role.Func

func init() { // not an initializer: the roles refer to what uses this table
	roles = map[string]role.Func{
		roleMeasure: measureRole,
		roleEcho:    echoRole,
	}
}

// spec is one measurement.
type spec struct {
	Driver, Path     string
	Target           target
	Conns, Inflight  int
	Duration, Warmup time.Duration
	Profile          string // file for the CPU profile, or empty
	GoMaxProcs       int    // 0: as it is
}

func measureRole(ctx context.Context, in json.RawMessage, ready func(any) error) error {
	var sp spec
	if err := json.Unmarshal(in, &sp); err != nil {
		return err
	}
	s, err := run(ctx, sp)
	if err != nil {
		return err
	}
	return ready(s)
}

// measureChild measures one path in a child process.
func measureChild(ctx context.Context, sp spec) (sample, error) {
	var env []string
	if sp.GoMaxProcs > 0 {
		env = append(env, "GOMAXPROCS="+strconv.Itoa(sp.GoMaxProcs))
	}
	limit := sp.Warmup + sp.Duration + childTimeout
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("no result after %v", limit))
	defer cancel()
	p, err := startSelf(ctx, roleMeasure, sp, env)
	if err != nil {
		return sample{}, err
	}
	defer p.stop()
	var s sample
	err = p.receive(ctx, &s)
	if err != nil {
		err = fmt.Errorf("%s over %s: %w", sp.Driver, sp.Path, err)
	}
	return s, err
}

// childTimeout is what a measurement may take beside warm-up and window:
// dialling, filling the pool, draining.
const childTimeout = 2 * time.Minute

// profileCPU writes a CPU profile to file until stop is called; without a file
// it does nothing.
func profileCPU(file string) (stop func(), err error) {
	if file == "" {
		return func() {}, nil
	}
	f, err := os.Create(file)
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		f.Close()
		return nil, err
	}
	return func() {
		pprof.StopCPUProfile()
		f.Close()
	}, nil
}

// lastLines keeps the end of what a process wrote.
func lastLines(b *bytes.Buffer) error {
	text := strings.TrimSpace(b.String())
	if text == "" {
		return nil
	}
	const most = 2000
	if len(text) > most {
		text = "…" + text[len(text)-most:]
	}
	return errors.New("it said: " + text)
}
