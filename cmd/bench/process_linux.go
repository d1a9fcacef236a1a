package main

import "syscall"

// endWithParent makes the kernel kill a child whose parent was killed.
func endWithParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
