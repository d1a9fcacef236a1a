package sequence

import (
	"net"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/valet-go/valet/fakesock"
	"github.com/valet-go/valet/internal/gid"
)

// Recorder records events between Start and Stop. Any goroutine may call its
// methods, and none blocks. When it is off, noting costs an atomic load; when it
// is on, some 3 µs, for the stack is walked.
type Recorder struct {
	on atomic.Bool

	mu     sync.Mutex
	events []Event // guarded by mu
}

// maxDepth is how much of a stack is counted.
const maxDepth = 128

// Start begins a new recording.
func (r *Recorder) Start() {
	r.mu.Lock()
	r.events = nil
	r.mu.Unlock()
	r.on.Store(true)
}

// Stop ends the recording and returns it in order of time.
func (r *Recorder) Stop() []Event {
	r.on.Store(false)
	r.mu.Lock()
	defer r.mu.Unlock()
	slices.SortStableFunc(r.events, func(a, b Event) int { return a.At.Compare(b.At) })
	return r.events
}

// Note records that something happens now, on the calling goroutine; bytes is
// for reads and writes.
func (r *Recorder) Note(what Moment, bytes int) { r.note(Event{What: what, Bytes: bytes}) }

func (r *Recorder) note(e Event) {
	if !r.on.Load() {
		return
	}
	e.At = time.Now()
	var frames [maxDepth]uintptr
	e.Depth = runtime.Callers(3, frames[:]) // up to who has called Note, or Read, or Write
	e.Goroutine = gid.Number()
	r.mu.Lock()
	r.events = append(r.events, e)
	r.mu.Unlock()
}

// Conn returns c, but that what a driver asks of it is noted.
func (r *Recorder) Conn(c *fakesock.Conn) net.Conn { return &conn{c, r} }

type conn struct {
	*fakesock.Conn
	r *Recorder
}

// Read is [net.Conn]'s.
func (c *conn) Read(p []byte) (int, error) {
	if !c.r.on.Load() {
		return c.Conn.Read(p)
	}
	c.r.note(Event{What: ReadCalled, Bytes: len(p)})
	parks := c.Stats().ReadParks
	n, err := c.Conn.Read(p)
	c.r.note(Event{What: ReadReturned, Bytes: n, Parked: c.Stats().ReadParks > parks})
	return n, err
}

// Write is [net.Conn]'s.
func (c *conn) Write(p []byte) (int, error) {
	c.r.note(Event{What: WriteCalled, Bytes: len(p)})
	n, err := c.Conn.Write(p)
	c.r.note(Event{What: WriteReturned, Bytes: n})
	return n, err
}
