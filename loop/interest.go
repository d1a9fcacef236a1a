package loop

// Interest says which readiness of a descriptor a handler wants to hear of.
type Interest uint8

// What a handler can ask for. On Linux errors, and the end of both directions,
// are reported whatever is asked for; a peer that has only stopped sending is
// reported to who asks for Readable. On other systems all of that is reported
// together with what is asked for.
const (
	// Readable asks for data, a pending connection, or an end of file.
	Readable Interest = 1 << iota
	// Writable asks for room to write, or a finished connect.
	Writable
	// Edge asks to be told of changes only, rather than as long as the
	// descriptor is ready. Whoever uses it must read or write until the
	// system says EAGAIN.
	Edge
)

// Readiness is what the system reports of a descriptor.
type Readiness uint8

// What a handler may be told; several at once.
const (
	// ReadReady: a read returns data, an end of file or an error at once.
	ReadReady Readiness = 1 << iota
	// WriteReady: a write takes some data, or returns an error, at once.
	WriteReady
	// HangUp: the peer has closed, or half-closed, the connection; data may
	// still wait to be read.
	HangUp
	// Failed: the descriptor has an error, which the next operation reports.
	Failed
	// Urgent: TCP urgent data or another exceptional condition. Linux only.
	Urgent
	// LoopClosed: the loop was closed; this is the last call to the handler.
	LoopClosed
)

// Readable reports whether a read would not wait.
func (r Readiness) Readable() bool { return r&(ReadReady|HangUp|Failed) != 0 }

// Writable reports whether a write would not wait.
func (r Readiness) Writable() bool { return r&(WriteReady|Failed) != 0 }
