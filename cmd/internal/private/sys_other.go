//go:build !unix

package private

import (
	"os"
	"syscall"
)

var pauseSignal, resumeSignal, quitSignal os.Signal // there are none

func sysProcAttr(bool) *syscall.SysProcAttr { return nil }
