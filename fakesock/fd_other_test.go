//go:build !unix

package fakesock

import "syscall"

func readFD(fd uintptr, p []byte) (int, error) { return syscall.Read(syscall.Handle(fd), p) }

func peekFD(fd uintptr, p []byte) (int, error) { return 0, syscall.EWINDOWS }

func writeFD(fd uintptr, p []byte) (int, error) { return syscall.Write(syscall.Handle(fd), p) }

func hungUp(uintptr) bool { return true }
