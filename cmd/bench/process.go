package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"

	"github.com/valet-go/valet/cmd/bench/internal/role"
)

// process is a running child that speaks the protocol of package role.
type process struct {
	cmd    *exec.Cmd
	stdin  io.Closer
	stdout *json.Decoder
	stderr bytes.Buffer // to be read after stop
	cancel context.CancelFunc
	done   bool
}

// startSelf is startRole with this binary.
func startSelf(ctx context.Context, role string, in any, env []string) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return startRole(ctx, self, role, in, env)
}

// startRole starts a program in a role and hands it in. The child is killed
// when the context ends, and ends by itself when this process does.
func startRole(ctx context.Context, program, role string, in any, env []string) (*process, error) {
	ctx, cancel := context.WithCancel(ctx)
	p := &process{cmd: exec.CommandContext(ctx, program, role), cancel: cancel}
	p.cmd.Env = append(os.Environ(), env...)
	p.cmd.Stderr = &p.stderr
	p.cmd.WaitDelay = 5 * time.Second
	p.cmd.SysProcAttr = endWithParent()
	stdin, err := p.cmd.StdinPipe()
	if err != nil {
		cancel()
		return nil, err
	}
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		cancel()
		return nil, err
	}
	p.stdin, p.stdout = stdin, json.NewDecoder(stdout)
	if err := p.cmd.Start(); err != nil {
		cancel()
		return nil, err
	}
	if err := json.NewEncoder(stdin).Encode(in); err != nil {
		p.stop()
		return nil, errors.Join(err, lastLines(&p.stderr))
	}
	return p, nil
}

// receive reads the child's answer into v. It blocks until the child has
// answered or ended.
func (p *process) receive(ctx context.Context, v any) error {
	var r role.Reply
	if err := p.stdout.Decode(&r); err != nil {
		p.stop()
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return errors.Join(fmt.Errorf("child process ended without an answer (%v)", p.cmd.ProcessState), lastLines(&p.stderr))
	}
	if r.Error != "" {
		return errors.New(r.Error)
	}
	return json.Unmarshal(r.Result, v)
}

// stop ends the child and waits for it. Calling it again does nothing.
func (p *process) stop() {
	if p.done {
		return
	}
	p.done = true
	p.stdin.Close()
	p.cancel()
	p.cmd.Wait()
}
