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

// sysProcAttr makes a child die with us, and keeps an interrupt at the terminal
// from reaching it before we have closed our connections. A family is told to
// quit, which it does at once, and takes its children with it.
func sysProcAttr(family bool) *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	if family {
		attr.Pdeathsig = syscall.SIGQUIT
	}
	return attr
}
