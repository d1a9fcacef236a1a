//go:build linux || darwin || freebsd

package evioloop

import (
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/valet-go/valet/loop"
)

// keepOutput is the capacity up to which a drained buffer is kept.
const keepOutput = 16 << 10

// Write sends p, or as much of it as the system takes at once; the rest is
// kept and sent when the client has made room. p is not kept. It writes all of
// p or nothing: the errors are [net.ErrClosed], or the reason, once the
// connection is closing, [ErrBufferFull], and the system's, after which the
// connection is closed. That Write has succeeded does not mean that the client
// gets it. Writes of several goroutines do not mix.
func (c *Conn) Write(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	c.mu.Lock()
	if c.state != open {
		defer c.mu.Unlock()
		return 0, c.reason
	}
	if len(p) > c.run.srv.maxBuffered()-c.bufferedLocked() {
		c.mu.Unlock()
		return 0, ErrBufferFull
	}
	err := c.writeLocked(p)
	c.mu.Unlock()
	if err != nil {
		c.endContext()
		return 0, err
	}
	return len(p), nil
}

// WriteString is Write without a copy of s.
func (c *Conn) WriteString(s string) (int, error) {
	return c.Write(unsafe.Slice(unsafe.StringData(s), len(s)))
}

// Buffered is how many bytes of output wait for the client to make room.
func (c *Conn) Buffered() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.bufferedLocked()
}

func (c *Conn) bufferedLocked() int { return len(c.out) - c.off }

func (c *Conn) writeLocked(p []byte) error {
	if len(c.out) == 0 {
		n, err := send(c.fd, p)
		if err != nil && err != unix.EAGAIN {
			return c.failLocked(err)
		}
		if p = p[n:]; len(p) == 0 {
			return nil
		}
	}
	if c.off > 0 && len(c.out)+len(p) > cap(c.out) {
		c.out = c.out[:copy(c.out, c.out[c.off:])]
		c.off = 0
	}
	c.out = append(c.out, p...)
	if c.handle != nil {
		return nil
	}
	h, err := c.run.flusher.AddHandler(c.fd, loop.Writable, c.flush)
	if err != nil {
		return c.failLocked(err)
	}
	c.handle = h
	if !c.adopted { // so that evioClosed can keep it until all is sent
		_ = c.run.q.post(posted{c.adopt, nil}) // fails only when Serve is over
	}
	return nil
}

// failLocked ends the connection after a write has failed, and returns err.
func (c *Conn) failLocked(err error) error {
	c.reason = err
	if c.state == open {
		c.state = closing
	}
	c.shutLocked()
	return err
}

// flush runs on the flusher whenever there is room to send.
func (c *Conn) flush(loop.Readiness) {
	c.mu.Lock()
	if c.handle == nil { // removed since this event was harvested
		c.mu.Unlock()
		return
	}
	n, err := send(c.fd, c.out[c.off:])
	c.off += n
	failed := err != nil && err != unix.EAGAIN
	switch {
	case failed:
		_ = c.failLocked(err)
	case c.off == len(c.out):
		c.dropOutputLocked()
		if c.state == closing {
			c.shutLocked()
		}
	}
	c.mu.Unlock()
	if failed {
		c.endContext()
	}
}

// dropOutputLocked forgets what is buffered, and the wait for room.
func (c *Conn) dropOutputLocked() {
	c.off = 0
	if c.out = c.out[:0]; cap(c.out) > keepOutput {
		c.out = nil
	}
	if c.handle != nil {
		_ = c.handle.Remove() // fails only for a descriptor that is not registered
		c.handle = nil
	}
}
