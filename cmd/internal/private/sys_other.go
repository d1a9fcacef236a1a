//go:build !unix

package private

import (
	"os"
	"syscall"
)

var pauseSignal, resumeSignal os.Signal // there are none

func sysProcAttr() *syscall.SysProcAttr { return nil }
