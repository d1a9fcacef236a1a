//go:build linux || darwin || freebsd

package evioloop

import (
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// longestDir keeps the wake socket's path within what a unix address holds, 104
// bytes on some systems.
const longestDir = 90

// privateDir makes a directory that only this user can enter.
func privateDir() (string, error) {
	dir, err := os.MkdirTemp("", "evioloop")
	if err == nil && len(dir) > longestDir {
		os.Remove(dir)
		dir, err = os.MkdirTemp("/tmp", "evioloop")
	}
	return dir, err
}

// connectUnix connects to the listener at path, which does not wait for it to
// accept.
func connectUnix(path string) (int, error) {
	syscall.ForkLock.RLock()
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err == nil {
		unix.CloseOnExec(fd)
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return -1, os.NewSyscallError("socket", err)
	}
	if err := unix.Connect(fd, &unix.SockaddrUnix{Name: path}); err != nil {
		unix.Close(fd)
		return -1, os.NewSyscallError("connect", err)
	}
	return fd, nil
}
