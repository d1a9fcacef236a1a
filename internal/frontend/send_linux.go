//go:build linux && !386 && !s390x

package frontend

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// rawSize is up to how many bytes are sent without telling the scheduler that
// a system call runs: copying them takes less long than telling.
const rawSize = 16 << 10

// Send writes the start of p, which is not empty, without waiting, whatever
// the mode of the descriptor, and without a SIGPIPE.
func Send(fd int, p []byte) (int, error) {
	const flags = unix.MSG_DONTWAIT | unix.MSG_NOSIGNAL
	for {
		var n uintptr
		var e syscall.Errno
		if len(p) <= rawSize {
			n, _, e = syscall.RawSyscall6(syscall.SYS_SENDTO, uintptr(fd), uintptr(unsafe.Pointer(&p[0])), uintptr(len(p)), flags, 0, 0)
		} else {
			n, _, e = syscall.Syscall6(syscall.SYS_SENDTO, uintptr(fd), uintptr(unsafe.Pointer(&p[0])), uintptr(len(p)), flags, 0, 0)
		}
		switch e {
		case 0:
			return int(n), nil
		case syscall.EINTR:
		default:
			return 0, e
		}
	}
}
