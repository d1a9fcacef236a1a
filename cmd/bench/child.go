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
	roleMeasure  = "bench-measure"
	roleTogether = "bench-measure-together"
	roleEcho     = "bench-serve-echo"
	roleBulk     = "bench-serve-bulk"
	roleMongo    = "bench-serve-mongo"
	rolePollers  = "bench-poll"
	roleClients  = "bench-clients"
)

var roles map[string]role.Func

func init() { // not an initializer: the roles refer to what uses this table
	roles = map[string]role.Func{
		roleMeasure:  measureRole,
		roleTogether: togetherRole,
		roleEcho:     echoRole,
		roleBulk:     bulkRole,
		roleMongo:    mongoRole,
		rolePollers:  pollersRole,
		roleClients:  clientsRole,
	}
}

// spec is one measurement. What a measure does not use is zero.
type spec struct {
	Driver, Path     string
	Target           target
	Conns, Inflight  int
	Duration, Warmup time.Duration
	Profile          string // file for the CPU profile, or empty
	GoMaxProcs       int    // 0: as it is
	Contexts         string // endless or request; see main.go

	Bytes  int64 // to be transferred
	Buffer int   // bytes that are read or written at a time

	Producers, Backlog, Funcs int // see driver_post.go

	Rows int // of a result that is read; see driver_lag.go
}

func measureRole(ctx context.Context, in json.RawMessage, ready func(any) error) error {
	var sp spec
	if err := json.Unmarshal(in, &sp); err != nil {
		return err
	}
	s, err := measures[sp.Driver].run(ctx, sp)
	if err != nil {
		return err
	}
	return ready(s)
}

// together is several measurements in one process, which differ in the path.
type together struct {
	spec
	Paths []string
}

func togetherRole(ctx context.Context, in json.RawMessage, ready func(any) error) error {
	var t together
	if err := json.Unmarshal(in, &t); err != nil {
		return err
	}
	samples, err := measures[t.Driver].together(ctx, t.spec, t.Paths)
	if err != nil {
		return err
	}
	return ready(samples)
}

// measureChild measures one path in a child process.
func measureChild(ctx context.Context, sp spec) (s sample, err error) {
	if err = inChild(ctx, roleMeasure, sp, sp, &s); err != nil {
		err = fmt.Errorf("%s over %s: %w", sp.Driver, sp.Path, err)
	}
	return s, err
}

// measureTogether measures the paths of all sides in one child process, in this
// order.
func measureTogether(ctx context.Context, sp spec, sides []side) (samples []sample, err error) {
	t := together{spec: sp}
	for _, s := range sides {
		t.Paths = append(t.Paths, s.path)
	}
	if err = inChild(ctx, roleTogether, t, sp, &samples); err != nil {
		err = fmt.Errorf("%s: %w", sp.Driver, err)
	}
	return samples, err
}

// inChild hands in to a child process and reads its answer into out.
func inChild(ctx context.Context, role string, in any, sp spec, out any) error {
	var env []string
	if sp.GoMaxProcs > 0 {
		env = append(env, "GOMAXPROCS="+strconv.Itoa(sp.GoMaxProcs))
	}
	limit := sp.Warmup + sp.Duration + childTimeout + time.Duration(sp.Bytes/slowestTransfer)*time.Second +
		time.Duration(sp.Funcs)*slowestHandOver + time.Duration(sp.Rows)*slowestRow
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("no result after %v", limit))
	defer cancel()
	p, err := startSelf(ctx, role, in, env)
	if err != nil {
		return err
	}
	defer p.stop()
	return p.receive(ctx, out)
}

// What a transfer moves in a second, at the least; and what a function takes on
// all sides together, and a row, at the most.
const (
	slowestTransfer = 20 << 20
	slowestHandOver = 3 * time.Microsecond
	slowestRow      = 100 * time.Microsecond
)

// childTimeout is what a measurement may take beside warm-up, window, transfer,
// hand-overs and rows: dialling, filling the pool, draining.
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
