package sysio

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Recv and Send never wait, whatever O_NONBLOCK says, which a duplicate of the
// descriptor may have changed; and Send causes no SIGPIPE. Small ones are made
// raw: they are over before the scheduler has been told.

// Recv receives up to len(p) bytes. Errors are bare errnos, EAGAIN and EINTR
// among them; no bytes and no error is the end of the file.
func Recv(fd int, p []byte) (int, error) {
	return transfer(unix.SYS_RECVFROM, fd, p, unix.MSG_DONTWAIT)
}

// Send sends the start of p. Errors are bare errnos, EAGAIN and EINTR among
// them.
func Send(fd int, p []byte) (int, error) {
	return transfer(unix.SYS_SENDTO, fd, p, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
}

func transfer(trap uintptr, fd int, p []byte, flags uintptr) (int, error) {
	var n uintptr
	var errno syscall.Errno
	p = clamp(p)
	if len(p) <= Inline {
		n, _, errno = syscall.RawSyscall6(trap, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)), flags, 0, 0)
	} else {
		n, _, errno = syscall.Syscall6(trap, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)), flags, 0, 0)
	}
	if errno != 0 {
		return 0, errno
	}
	if trap == unix.SYS_RECVFROM {
		raceWrite(p[:n])
	} else {
		raceRead(p[:n])
	}
	return int(n), nil
}
