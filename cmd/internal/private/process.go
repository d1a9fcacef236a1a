package private

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
)

// errExited is the end of a server that nobody asked for: its port was taken,
// or it could not use its data.
var errExited = errors.New("server ended while starting")

// process is a child process. One goroutine starts it and waits for it.
type process struct {
	cmd  *exec.Cmd
	done chan struct{} // closed when the process is gone
}

// startProcess starts cmd with its output appended to the file at log.
func startProcess(cmd *exec.Cmd, log string) (*process, error) {
	out, err := os.OpenFile(log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("private: %w", err)
	}
	defer out.Close()
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = sysProcAttr()

	p := &process{cmd: cmd, done: make(chan struct{})}
	started := make(chan error)
	go func() {
		// The signal of SysProcAttr.Pdeathsig comes when the *thread* ends that
		// forked the child (man 2 prctl), so this one has to live as long.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer close(p.done)
		err := cmd.Start()
		started <- err
		if err == nil {
			cmd.Wait() // its error is how the process ended: killed, as a rule
		}
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("private: %w", err)
	}
	return p, nil
}

func (p *process) exited() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// kill ends the process, stopped or not, and waits until it is gone.
func (p *process) kill() {
	p.cmd.Process.Kill() // fails if it is gone already
	<-p.done
}
