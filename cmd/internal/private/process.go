package private

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"time"
)

// quitTimeout is twice what PostgreSQL gives its children.
const quitTimeout = 10 * time.Second

// errExited is the end of a server that nobody asked for: its port was taken,
// or it could not use its data.
var errExited = errors.New("server ended while starting")

// process is a child process. One goroutine starts it and waits for it.
type process struct {
	cmd    *exec.Cmd
	family bool            // its children serve, and are treated like it
	done   <-chan struct{} // closed when the process is gone
}

// startProcess starts cmd with its output appended to the file at log.
func startProcess(cmd *exec.Cmd, as *account, family bool, log string) (*process, error) {
	out, err := os.OpenFile(log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("private: %w", err)
	}
	defer out.Close()
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = sysProcAttr(family)
	as.run(cmd)
	ended, err := start(cmd)
	if err != nil {
		return nil, err
	}
	return &process{cmd: cmd, family: family, done: ended}, nil
}

// Start starts a program that is no server of this package's, in a process group of
// its own. It dies with this process as the servers do. The channel is closed when
// it has ended and all that it printed is written; then cmd.ProcessState says how.
func Start(cmd *exec.Cmd) (ended <-chan struct{}, err error) {
	cmd.SysProcAttr = sysProcAttr(false)
	return start(cmd)
}

func start(cmd *exec.Cmd) (<-chan struct{}, error) {
	started, ended := make(chan error), make(chan struct{})
	go func() {
		// The signal of SysProcAttr.Pdeathsig comes when the *thread* ends that
		// forked the child (man 2 prctl), so this one has to live as long.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer close(ended)
		err := cmd.Start()
		started <- err
		if err == nil {
			cmd.Wait() // its error is how the process ended: killed, as a rule
		}
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("private: %w", err)
	}
	return ended, nil
}

func (p *process) exited() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// pause makes the process stand still. A family's members are looked for when
// the first of them stands, so that none is born afterwards.
func (p *process) pause() error {
	if pauseSignal == nil || p.family && !families {
		return errors.ErrUnsupported
	}
	if p.family {
		_, err := p.freeze()
		return err
	}
	return p.cmd.Process.Signal(pauseSignal)
}

// resume ends a pause.
func (p *process) resume() error {
	if resumeSignal == nil || p.family && !families {
		return errors.ErrUnsupported
	}
	if p.family {
		p.thaw()
	}
	return p.cmd.Process.Signal(resumeSignal)
}

// kill ends the process, stopped or not, and waits until it is gone.
func (p *process) kill() {
	var members []int
	if p.family && families {
		members, _ = p.freeze() // fails if it is gone already, and they with it
	}
	p.cmd.Process.Kill() // fails if it is gone already
	<-p.done
	killMembers(members)
}

// end is kill for a process that is not needed any more. A family leaves shared
// memory behind when it is killed, so it is asked to end at once first.
func (p *process) end() {
	if p.family && quitSignal != nil && !p.exited() {
		_ = p.resume() // it does not hear otherwise
		if p.cmd.Process.Signal(quitSignal) == nil {
			select {
			case <-p.done:
			case <-time.After(quitTimeout):
			}
		}
	}
	p.kill()
}
