package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/valet-go/valet/cmd/upstream/dialer"
)

// timeout is for one side of one variant, without building.
const timeout = 5 * time.Minute

// pair is both runs of a variant.
type pair struct {
	native, fake *side
	comparison
	unsteady []finding // that were none when run again
	problems []string
}

// run runs the suite natively and over the fake socket, each with a server of
// its own, and compares. Errors: a server that does not start, and the like.
func (s suite) run(ctx context.Context, w workspace, v variant) (*pair, error) {
	s = s.forVariant(v)
	var p pair
	var err error
	if p.native, p.fake, err = s.runBoth(ctx, w, v); err != nil {
		return nil, err
	}
	p.comparison = compare(p.native.outcome, p.fake.outcome, v.unserved)
	if err := s.again(ctx, w, v, &p); err != nil {
		return nil, err
	}
	p.problems = s.problems(p.native, p.fake, p.comparison, p.unsteady)
	return &p, nil
}

func (s suite) runBoth(ctx context.Context, w workspace, v variant) (native, fake *side, err error) {
	if native, err = s.runSide(ctx, w, v, false); err != nil {
		return nil, nil, err
	}
	fake, err = s.runSide(ctx, w, v, true)
	return native, fake, err
}

func (s suite) runSide(ctx context.Context, w workspace, v variant, fake bool) (*side, error) {
	counts, err := os.MkdirTemp(w.dir, "counts-")
	if err != nil {
		return nil, fmt.Errorf("upstream: %w", err)
	}
	srv, err := v.start(ctx)
	if err != nil {
		return nil, err
	}
	defer srv.close()
	before, err := srv.connections(ctx)
	if err != nil {
		return nil, err
	}
	began := time.Now()
	env := append(srv.env, dialer.CountsEnv+"="+counts)
	result, err := w.test(ctx, s, env, fake)
	if err != nil {
		return nil, err
	}
	result.took = time.Since(began)
	after, err := srv.connections(ctx)
	if err != nil {
		return nil, err
	}
	result.connections = after - before
	result.dialled, err = dialer.Sum(counts)
	return result, err
}

// test runs go test. That tests fail is no error.
func (w workspace) test(ctx context.Context, s suite, env []string, fake bool) (*side, error) {
	// One package at a time: they share a server. Never from the cache, which does
	// not see what is read from the environment before main.
	args := []string{"test", "-json", "-race", "-count=1", "-p=1", "-vet=off", "-timeout=" + timeout.String()}
	args = append(args, s.skipFlag()...)
	args = append(args, s.flags...)
	if fake {
		args = append(args, "-tags", tag)
		if s.netDialer != nil {
			args = append(args, "-overlay", w.overlay())
		}
	}
	cmd := exec.CommandContext(ctx, "go", append(args, s.packages...)...)
	cmd.Dir = w.driver()
	cmd.Env = append(append(append(os.Environ(), w.env()...), "GOPROXY=off"), env...)
	group(cmd)
	printed, err := os.Create(filepath.Join(w.dir, "printed"))
	if err != nil {
		return nil, fmt.Errorf("upstream: %w", err)
	}
	defer printed.Close()
	cmd.Stdout, cmd.Stderr = printed, printed
	goError := cmd.Run()
	if ctx.Err() != nil {
		return nil, fmt.Errorf("upstream: go test: %w", context.Cause(ctx))
	}
	var exit *exec.ExitError
	if goError != nil && !errors.As(goError, &exit) {
		return nil, fmt.Errorf("upstream: go test: %w", goError)
	}
	if _, err := printed.Seek(0, 0); err != nil {
		return nil, fmt.Errorf("upstream: %w", err)
	}
	o, err := readOutcome(printed)
	if err != nil {
		return nil, fmt.Errorf("upstream: %w", err)
	}
	return &side{outcome: o, goError: goError}, nil
}
