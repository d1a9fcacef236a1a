//go:build unix && !linux

package private

import (
	"os"
	"syscall"
)

var (
	pauseSignal  os.Signal = syscall.SIGSTOP
	resumeSignal os.Signal = syscall.SIGCONT
	quitSignal   os.Signal = syscall.SIGQUIT
)

// sysProcAttr keeps an interrupt at the terminal from reaching a child before
// we have closed our connections.
func sysProcAttr(bool) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}
