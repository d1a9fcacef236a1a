// Package sysio is the system calls that fake sockets and streams make on the
// descriptors of stream sockets. None of them waits. Any goroutine may call
// them, as long as the descriptor is not closed meanwhile.
package sysio

const (
	// Inline is the most that a loop moves for one event, and that Recv and
	// Send move without telling the scheduler: a raw call of 16 KiB holds its
	// processor for some 9 µs, one of 1 MiB for 130 µs.
	Inline = 16 << 10

	// MaxIO is the most that one system call is asked to move, as in
	// internal/poll.
	MaxIO = 1 << 30
)

// clamp is what one system call is given of p.
func clamp(p []byte) []byte { return p[:min(len(p), MaxIO)] }
