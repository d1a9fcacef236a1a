package frontend

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// reset breaks a connection of TCP at once: the peer gets a reset, and what waits
// to be sent or read is dropped. The descriptor stays open, for the engine to find
// out. With other sockets it does nothing.
//
// This is what connect(2) does with AF_UNSPEC. After shutdown(2) a peer that reads
// would get an orderly end, behind what the system holds, until the engine closes
// the descriptor.
func reset(fd int32) {
	to := unix.RawSockaddr{Family: unix.AF_UNSPEC}
	_, _, _ = unix.Syscall(unix.SYS_CONNECT, uintptr(fd), uintptr(unsafe.Pointer(&to)), unsafe.Sizeof(to))
}
