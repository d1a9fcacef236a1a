package private

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

// families is whether this system tells us a process's children.
const families = true

// freeze stops the process and then its children, and returns those. It returns
// when all of them have been sent the signal.
func (p *process) freeze() ([]int, error) {
	if p.exited() {
		return nil, os.ErrProcessDone
	}
	pid := p.cmd.Process.Pid
	if err := p.cmd.Process.Signal(pauseSignal); err != nil {
		return nil, err
	}
	// Until it stands still it may go on and have children.
	for standing := false; !standing; {
		s, ok := processStatus(pid)
		standing = !ok || s.state == 'T' || s.state == 't' || s.state == 'Z'
	}
	members := childrenOf(pid)
	for _, member := range members {
		_ = syscall.Kill(member, syscall.SIGSTOP) // it may be gone
	}
	return members, nil
}

// thaw ends a freeze for the children.
func (p *process) thaw() {
	if p.exited() {
		return
	}
	for _, member := range childrenOf(p.cmd.Process.Pid) {
		_ = syscall.Kill(member, syscall.SIGCONT) // it may be gone
	}
}

// killMembers kills what freeze returned, and waits until they are gone, since
// a new server cannot use the data before.
func killMembers(members []int) {
	for _, member := range members {
		_ = syscall.Kill(member, syscall.SIGKILL) // it may be gone
	}
	for _, member := range members {
		for {
			if s, ok := processStatus(member); !ok || s.state == 'Z' {
				break
			}
		}
	}
}

// status is what /proc tells about a process (man 5 proc_pid_stat).
type status struct {
	state  byte
	parent int
}

// processStatus reports false for a process that is gone.
func processStatus(pid int) (status, bool) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return status{}, false
	}
	// The name, in parentheses, may contain some itself.
	_, rest, _ := bytes.Cut(text[bytes.LastIndexByte(text, ')')+1:], []byte(" "))
	var s status
	if _, err := fmt.Sscanf(string(rest), "%c %d", &s.state, &s.parent); err != nil {
		return status{}, false
	}
	return s, true
}

func childrenOf(parent int) []int {
	var children []int
	folders, _ := filepath.Glob("/proc/[0-9]*") // the pattern is well-formed
	for _, folder := range folders {
		pid, err := strconv.Atoi(filepath.Base(folder))
		if err != nil {
			continue
		}
		if s, ok := processStatus(pid); ok && s.parent == parent {
			children = append(children, pid)
		}
	}
	return children
}
